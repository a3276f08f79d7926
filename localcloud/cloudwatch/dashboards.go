package cloudwatch

import (
	"context"
	"encoding/json"
	"regexp"
	"strings"
	"time"

	"github.com/carepath/carepath/localcloud/dispatch"
)

// dashboard is a dashboard as the store keeps it.
type dashboard struct {
	Body     string
	Modified time.Time
}

// PutDashboardInput is the request of PutDashboard.
// See https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutDashboard.html.
type PutDashboardInput struct {
	DashboardName string
	DashboardBody string // JSON
}

// DashboardValidationMessage is what is odd in a dashboard's body.
type DashboardValidationMessage struct {
	DataPath, Message string
}

// PutDashboardOutput is the response of PutDashboard.
type PutDashboardOutput struct {
	DashboardValidationMessages []DashboardValidationMessage // never any: bodies that are no JSON objects are refused
}

// GetDashboardInput is the request of GetDashboard.
type GetDashboardInput struct {
	DashboardName string
}

// GetDashboardOutput is the response of GetDashboard.
type GetDashboardOutput struct {
	DashboardArn, DashboardBody, DashboardName string
}

// DeleteDashboardsInput is the request of DeleteDashboards.
type DeleteDashboardsInput struct {
	DashboardNames []string
}

// ListDashboardsInput is the request of ListDashboards.
type ListDashboardsInput struct {
	DashboardNamePrefix string `json:",omitempty"`
	NextToken           string `json:",omitempty"`
}

// DashboardEntry is a dashboard in a list.
type DashboardEntry struct {
	DashboardArn, DashboardName string
	LastModified                dispatch.Time
	Size                        int64 // bytes
}

// ListDashboardsOutput is the response of ListDashboards.
type ListDashboardsOutput struct {
	DashboardEntries []DashboardEntry
	NextToken        string `json:",omitempty"`
}

func (s *Service) dashboardARN(name string) string {
	return "arn:aws:cloudwatch::" + s.d.Account + ":dashboard/" + name
}

func (s *Service) registerDashboards() {
	op := func(action string) dispatch.Operation {
		return dispatch.Operation{Service: "cloudwatch", Action: action}
	}
	dispatch.Register(s.d, op("PutDashboard"), dispatch.On(func(_ *dispatch.Call, in *PutDashboardInput) []string {
		return []string{s.dashboardARN(in.DashboardName)}
	}), s.putDashboard)
	dispatch.Register(s.d, op("GetDashboard"), dispatch.On(func(_ *dispatch.Call, in *GetDashboardInput) []string {
		return []string{s.dashboardARN(in.DashboardName)}
	}), s.getDashboard)
	dispatch.Register(s.d, op("DeleteDashboards"), dispatch.On(func(_ *dispatch.Call, in *DeleteDashboardsInput) []string {
		arns := make([]string, len(in.DashboardNames))
		for i, name := range in.DashboardNames {
			arns[i] = s.dashboardARN(name)
		}
		return arns
	}), s.deleteDashboards)
	dispatch.Register(s.d, op("ListDashboards"), dispatch.On(func(*dispatch.Call, *ListDashboardsInput) []string { return []string{s.dashboardARN("*")} }), s.listDashboards)
}

var dashboardName = regexp.MustCompile(`^[0-9A-Za-z_-]{1,255}$`)

func (s *Service) putDashboard(_ context.Context, _ *dispatch.Call, in *PutDashboardInput) (*PutDashboardOutput, error) {
	if !dashboardName.MatchString(in.DashboardName) {
		return nil, dispatch.Errorf("InvalidParameterValue", "The value %s for parameter DashboardName is invalid: letters, digits, - and _, at most 255 of them.", in.DashboardName)
	}
	var body map[string]any
	if err := json.Unmarshal([]byte(in.DashboardBody), &body); err != nil {
		return nil, dispatch.Errorf("InvalidParameterInput", "The field DashboardBody must be a valid JSON object")
	}
	if _, ok := body["widgets"].([]any); !ok {
		return nil, dispatch.Errorf("InvalidParameterInput", "The dashboard body is invalid, there are 1 validation errors: should have required property 'widgets'")
	}
	return &PutDashboardOutput{[]DashboardValidationMessage{}}, s.dashboards.Put(in.DashboardName, dashboard{in.DashboardBody, s.d.Clock.Now()})
}

func noDashboard(name string) error {
	return &dispatch.Error{Code: "ResourceNotFound", Status: 404, Message: "Dashboard " + name + " does not exist"}
}

func (s *Service) getDashboard(_ context.Context, _ *dispatch.Call, in *GetDashboardInput) (*GetDashboardOutput, error) {
	b, ok := s.dashboards.Get(in.DashboardName)
	if !ok {
		return nil, noDashboard(in.DashboardName)
	}
	return &GetDashboardOutput{s.dashboardARN(in.DashboardName), b.Body, in.DashboardName}, nil
}

// deleteDashboards deletes all of them or, if one is not there, none.
func (s *Service) deleteDashboards(_ context.Context, _ *dispatch.Call, in *DeleteDashboardsInput) (*Empty, error) {
	for _, name := range in.DashboardNames {
		if _, ok := s.dashboards.Get(name); !ok {
			return nil, noDashboard(name)
		}
	}
	for _, name := range in.DashboardNames {
		if _, err := s.dashboards.Delete(name); err != nil {
			return nil, err
		}
	}
	return &Empty{}, nil
}

func (s *Service) listDashboards(_ context.Context, _ *dispatch.Call, in *ListDashboardsInput) (*ListDashboardsOutput, error) {
	out := &ListDashboardsOutput{DashboardEntries: []DashboardEntry{}} // one page
	for name, b := range s.dashboards.All() {
		if strings.HasPrefix(name, in.DashboardNamePrefix) {
			out.DashboardEntries = append(out.DashboardEntries, DashboardEntry{s.dashboardARN(name), name, dispatch.Time{Time: b.Modified}, int64(len(b.Body))})
		}
	}
	return out, nil
}
