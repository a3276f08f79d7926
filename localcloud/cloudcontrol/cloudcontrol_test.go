package cloudcontrol_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/carepath/carepath/localcloud/clock"
	"github.com/carepath/carepath/localcloud/cloudcontrol"
	"github.com/carepath/carepath/localcloud/dispatch"
	"github.com/carepath/carepath/localcloud/healthlake"
	"github.com/carepath/carepath/localcloud/store"
)

const datastore = "AWS::HealthLake::FHIRDatastore"

type world struct {
	t     *testing.T
	d     *dispatch.Dispatcher
	clock *clock.Driven
}

func newWorld(t *testing.T) *world {
	w := &world{t: t, clock: clock.NewDriven(time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC))}
	w.d = dispatch.New(w.clock, "000000000000", "us-east-1")
	if _, err := healthlake.New(w.d, store.Memory()); err != nil {
		t.Fatal(err)
	}
	if _, err := cloudcontrol.New(w.d, store.Memory()); err != nil {
		t.Fatal(err)
	}
	return w
}

func (w *world) do(action string, in any) (*cloudcontrol.ProgressEvent, error) {
	out, err := dispatch.Do[cloudcontrol.ProgressOutput](w.t.Context(), w.d, w.d.Root(), "cloudcontrolapi", action, in)
	if err != nil {
		return nil, err
	}
	return &out.ProgressEvent, nil
}

func (w *world) must(action string, in any) *cloudcontrol.ProgressEvent {
	w.t.Helper()
	p, err := w.do(action, in)
	if err != nil {
		w.t.Fatalf("%s: %v", action, err)
	}
	return p
}

func (w *world) get(id string) (string, error) {
	out, err := dispatch.Do[cloudcontrol.GetResourceOutput](w.t.Context(), w.d, w.d.Root(), "cloudcontrolapi", "GetResource", &cloudcontrol.GetResourceInput{TypeName: datastore, Identifier: id})
	if err != nil {
		return "", err
	}
	return out.ResourceDescription.Properties, nil
}

func TestLifeOfADatastore(t *testing.T) {
	w := newWorld(t)
	in := &cloudcontrol.CreateResourceInput{TypeName: datastore, DesiredState: `{"DatastoreTypeVersion":"R4","DatastoreName":"records","Tags":[{"Key":"a","Value":"1"}]}`, ClientToken: "once"}
	p := w.must("CreateResource", in)
	if p.OperationStatus != "IN_PROGRESS" || p.Operation != "CREATE" || p.Identifier == "" {
		t.Errorf("%+v", p)
	}
	if again := w.must("CreateResource", in); again.RequestToken != p.RequestToken {
		t.Error("the client token made a second request")
	}
	status := func(token string) *cloudcontrol.ProgressEvent {
		t.Helper()
		return w.must("GetResourceRequestStatus", &cloudcontrol.RequestInput{RequestToken: token})
	}
	if now := status(p.RequestToken); now.OperationStatus != "IN_PROGRESS" {
		t.Errorf("%+v", now)
	}
	w.clock.Advance(healthlake.DefaultCreation)
	if now := status(p.RequestToken); now.OperationStatus != "SUCCESS" || !strings.Contains(now.ResourceModel, `"DatastoreStatus":"ACTIVE"`) {
		t.Errorf("%+v", now)
	}
	text, err := w.get(p.Identifier)
	if err != nil || !strings.Contains(text, `"DatastoreName":"records"`) || !strings.Contains(text, `"Tags":[{"Key":"a","Value":"1"}]`) {
		t.Errorf("%s %v", text, err)
	}
	change := func(patch string) *cloudcontrol.ProgressEvent {
		t.Helper()
		return w.must("UpdateResource", &cloudcontrol.UpdateResourceInput{TypeName: datastore, Identifier: p.Identifier, PatchDocument: patch})
	}
	if u := change(`[{"op":"replace","path":"/Tags","value":[{"Key":"b","Value":"2"}]},{"op":"add","path":"/DatastoreName","value":"records"}]`); u.OperationStatus != "SUCCESS" {
		t.Errorf("%+v", u)
	}
	if text, _ := w.get(p.Identifier); !strings.Contains(text, `"Tags":[{"Key":"b","Value":"2"}]`) {
		t.Error(text)
	}
	// What can be set at creation only is refused by name, and nothing has changed.
	u := change(`[{"op":"replace","path":"/DatastoreName","value":"other"},{"op":"replace","path":"/Tags","value":[]}]`)
	if u.OperationStatus != "FAILED" || u.ErrorCode != "NotUpdatable" || !strings.Contains(u.StatusMessage, "/properties/DatastoreName") {
		t.Errorf("%+v", u)
	}
	if text, _ := w.get(p.Identifier); !strings.Contains(text, `"Key":"b"`) || !strings.Contains(text, `"records"`) {
		t.Error(text)
	}
	gone := w.must("DeleteResource", &cloudcontrol.DeleteResourceInput{TypeName: datastore, Identifier: p.Identifier})
	w.clock.Advance(time.Minute)
	if now := status(gone.RequestToken); now.OperationStatus != "SUCCESS" {
		t.Errorf("%+v", now)
	}
	_, err = w.get(p.Identifier)
	var e *dispatch.Error
	if !errors.As(err, &e) || e.Code != "ResourceNotFoundException" {
		t.Errorf("after its deletion: %v", err)
	}
}

func TestWhatIsRefused(t *testing.T) {
	w := newWorld(t)
	for state, code := range map[string]string{
		`{}`: "InvalidRequest", `[]`: "InvalidRequest", `{"DatastoreTypeVersion":"R5"}`: "InvalidRequest", `{"DatastoreTypeVersion":"R4","Colour":"red"}`: "InvalidRequest",
		`{"DatastoreTypeVersion":"R4","DatastoreId":"x"}`: "InvalidRequest", `{"DatastoreTypeVersion":"R4","PreloadDataConfig":{"PreloadDataType":"SYNTHEA"}}`: "InvalidRequest",
	} {
		if p := w.must("CreateResource", &cloudcontrol.CreateResourceInput{TypeName: datastore, DesiredState: state}); p.OperationStatus != "FAILED" || p.ErrorCode != code || p.StatusMessage == "" {
			t.Errorf("%s: %+v", state, p)
		}
	}
	for code, in := range map[string]any{
		"UnsupportedActionException":   &cloudcontrol.CreateResourceInput{TypeName: "AWS::S3::Bucket", DesiredState: `{}`},
		"ValidationException":          &cloudcontrol.CreateResourceInput{TypeName: datastore, DesiredState: `{`},
		"ClientTokenConflictException": &cloudcontrol.CreateResourceInput{TypeName: datastore, DesiredState: `{"a":1}`, ClientToken: "t"},
	} {
		if code == "ClientTokenConflictException" {
			w.must("CreateResource", &cloudcontrol.CreateResourceInput{TypeName: datastore, DesiredState: `{}`, ClientToken: "t"})
		}
		var e *dispatch.Error
		if _, err := w.do("CreateResource", in); !errors.As(err, &e) || e.Code != code {
			t.Errorf("%s: %v", code, err)
		}
	}
}
