package deploy

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
)

func TestReap(t *testing.T) {
	b := newBench(t)
	file := filepath.Join(b.project.Root, "Pulumi.local.yaml")
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	reap := func(after time.Duration, dry bool, want string) Reaped {
		t.Helper()
		all, err := b.project.Reap(t.Context(), ReapOptions{DryRun: dry, Now: time.Now().Add(after), Options: b.options})
		if err != nil || len(all) != 1 || all[0].Stack != LocalStack || all[0].Fate != want {
			t.Fatalf("reaping after %s: %+v, %v; want %s", after, all, err, want)
		}
		return all[0]
	}
	if all, err := b.project.Reap(t.Context(), ReapOptions{Options: b.options}); err != nil || len(all) != 0 {
		t.Errorf("without a time to live: %+v, %v", all, err)
	}
	text = []byte(strings.Replace(string(text), "config:\n", "config:\n  carepath:ttl: 1d2h\n", 1))
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	reap(48*time.Hour, false, "not_deployed")
	b.protect = true
	b.mustUp(UpOptions{})
	reap(25*time.Hour, false, "alive")
	if r := reap(27*time.Hour, true, "refused"); !strings.Contains(r.Why, "people") {
		t.Errorf("why: %s", r.Why)
	}
	reap(27*time.Hour, false, "refused")
	b.protect = false
	b.mustUp(UpOptions{})
	reap(27*time.Hour, true, "expired")
	reap(27*time.Hour, false, "destroyed")
	reap(27*time.Hour, false, "not_deployed")
}

func TestReapSparesProduction(t *testing.T) {
	root := t.TempDir()
	const valid = "config:\n  aws:region: us-east-1\n  carepath:accountId: \"111111111111\"\n  carepath:environment: "
	for name, text := range map[string]string{"live": valid + "prod\n  carepath:ttl: 1h\n", "prod": valid + "dev\n  carepath:ttl: 1h\n", "dev": valid + "dev\n"} {
		if err := os.WriteFile(filepath.Join(root, "Pulumi."+name+".yaml"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	all, err := (&Project{Root: root, Home: t.TempDir()}).Reap(t.Context(), ReapOptions{Now: time.Now().AddDate(1, 0, 0)})
	if err != nil || len(all) != 2 || all[0].Fate != "failed" || !strings.Contains(all[0].Why, "carepath:ttl") || all[1].Fate != "refused" {
		t.Errorf("reaped: %+v, %v", all, err)
	}
}

func TestDestroySaysWhatIsLeft(t *testing.T) {
	b := newBench(t)
	b.mustUp(UpOptions{})
	if err := b.open().command(t.Context(), "forgetting a queue", "state", "delete", queueURNs(1)[0], "--yes"); err != nil {
		t.Fatal(err)
	}
	_, err := b.project.Destroy(t.Context(), b.options, DestroyOptions{})
	var e *Error
	if !errors.As(err, &e) || e.Code != CodeLeftovers || len(e.Where) != 1 || !strings.HasPrefix(e.Where[0], queueURNs(1)[0]+" ") {
		t.Errorf("destroyed: %v", err)
	}
}

func TestStillTagged(t *testing.T) {
	pages := [][]string{
		{"arn:aws:sqs:us-east-1:1:b", "arn:aws:kms:us-east-1:1:key/k"}, {"arn:aws:sqs:us-east-1:1:a"}, // the first answer, in two pages
		{"arn:aws:kms:us-east-1:1:key/k"},
	}
	answered := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var in struct{ TagFilters []struct{ Key, Values any } }
		if err := json.NewDecoder(r.Body).Decode(&in); err != nil || len(in.TagFilters) != 2 {
			t.Errorf("asked for %+v, %v", in, err)
		}
		type mapping struct{ ResourceARN string }
		var out struct {
			PaginationToken        string
			ResourceTagMappingList []mapping
		}
		for _, arn := range pages[min(answered, len(pages)-1)] {
			out.ResourceTagMappingList = append(out.ResourceTagMappingList, mapping{arn})
		}
		if answered == 0 {
			out.PaginationToken = "more"
		}
		answered++
		w.Header().Set("Content-Type", "application/x-amz-json-1.1")
		if err := json.NewEncoder(w).Encode(out); err != nil {
			t.Error(err)
		}
	}))
	defer server.Close()
	reach := aws.Config{Region: "us-east-1", BaseEndpoint: &server.URL, Credentials: credentials.NewStaticCredentialsProvider("a", "b", "")}
	arns, err := tagged(t.Context(), reach, "dev")
	if err != nil || !slices.Equal(arns, []string{"arn:aws:sqs:us-east-1:1:a", "arn:aws:sqs:us-east-1:1:b"}) {
		t.Errorf("tagged: %v, %v", arns, err)
	}
	answered = 0
	if arns, err = stillTagged(t.Context(), reach, "dev", time.Nanosecond); err != nil || len(arns) != 0 || answered != 3 {
		t.Errorf("after a second look: %v, %v, %d calls", arns, err, answered)
	}
}
