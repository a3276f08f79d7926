package cloudtrail

import (
	"context"
	"slices"
	"strings"

	"github.com/carepath/carepath/localcloud/dispatch"
)

func badSelector(format string, args ...any) error {
	return dispatch.Errorf("InvalidEventSelectorsException", format, args...)
}

func (s *Service) putSelectors(_ context.Context, _ *dispatch.Call, in *PutEventSelectorsInput) (*EventSelectorsOutput, error) {
	if err := checkSelectors(in); err != nil {
		return nil, err
	}
	if _, err := s.edit(in.TrailName, func(r *row) error {
		r.Basic, r.Advanced = in.EventSelectors, in.AdvancedEventSelectors
		return nil
	}); err != nil {
		return nil, err
	}
	return s.selectors(in.TrailName)
}

func checkSelectors(in *PutEventSelectorsInput) error {
	switch {
	case (len(in.EventSelectors) == 0) == (len(in.AdvancedEventSelectors) == 0):
		return badSelector("Specify either EventSelectors or AdvancedEventSelectors.")
	case len(in.EventSelectors) > 5:
		return badSelector("A trail has at most 5 event selectors.")
	}
	for _, e := range in.EventSelectors {
		if !slices.Contains([]string{"", "All", "ReadOnly", "WriteOnly"}, e.ReadWriteType) {
			return badSelector("ReadWriteType must be All, ReadOnly or WriteOnly, not %q.", e.ReadWriteType)
		}
		if len(e.DataResources) > 0 {
			return badSelector("the embedded AWS does not emulate data events")
		}
		for _, source := range e.ExcludeManagementEventSources {
			if source != "kms.amazonaws.com" && source != "rdsdata.amazonaws.com" {
				return badSelector("The value %s for ExcludeManagementEventSources is not valid.", source)
			}
		}
	}
	for _, e := range in.AdvancedEventSelectors {
		management := false
		for _, f := range e.FieldSelectors {
			switch f.Field {
			case "eventCategory":
				management = slices.Equal(f.Equals, []string{"Management"})
			case "readOnly":
				if len(f.Equals) != 1 || f.Equals[0] != "true" && f.Equals[0] != "false" {
					return badSelector("The field readOnly must equal true or false.")
				}
			case "eventSource", "eventName":
			default:
				return badSelector("the embedded AWS does not emulate the field %s of advanced event selectors", f.Field)
			}
			if len(f.Equals)+len(f.StartsWith)+len(f.EndsWith)+len(f.NotEquals)+len(f.NotStartsWith)+len(f.NotEndsWith) == 0 {
				return badSelector("The field %s has no condition.", f.Field)
			}
		}
		if !management {
			return badSelector("the embedded AWS emulates advanced event selectors whose eventCategory equals Management only")
		}
	}
	return nil
}

func (s *Service) getSelectors(_ context.Context, _ *dispatch.Call, in *GetEventSelectorsInput) (*EventSelectorsOutput, error) {
	return s.selectors(in.TrailName)
}

func (s *Service) selectors(name string) (*EventSelectorsOutput, error) {
	r, err := s.find(name)
	if err != nil {
		return nil, err
	}
	out := &EventSelectorsOutput{TrailARN: s.arn(r.Name), EventSelectors: r.Basic, AdvancedEventSelectors: r.Advanced}
	if r.Basic == nil && r.Advanced == nil {
		all := true
		out.EventSelectors = []EventSelector{{ReadWriteType: "All", IncludeManagementEvents: &all, DataResources: []DataResource{}, ExcludeManagementEventSources: []string{}}}
	}
	return out, nil
}

// wants reports whether a trail records a management event that changes something.
func (r *row) wants(source, name string) bool {
	if r.Basic == nil && r.Advanced == nil {
		return true
	}
	for _, e := range r.Basic {
		if e.ReadWriteType != "ReadOnly" && (e.IncludeManagementEvents == nil || *e.IncludeManagementEvents) && !slices.Contains(e.ExcludeManagementEventSources, source) {
			return true
		}
	}
	fields := map[string]string{"eventCategory": "Management", "readOnly": "false", "eventSource": source, "eventName": name}
	for _, e := range r.Advanced {
		if !slices.ContainsFunc(e.FieldSelectors, func(f AdvancedFieldSelector) bool { return !f.meets(fields[f.Field]) }) {
			return true
		}
	}
	return false
}

// meets reports whether a value has one of the wanted forms, if there are any, and none of the others.
func (f *AdvancedFieldSelector) meets(value string) bool {
	is := func(of string) bool { return of == value }
	begins := func(with string) bool { return strings.HasPrefix(value, with) }
	ends := func(with string) bool { return strings.HasSuffix(value, with) }
	if slices.ContainsFunc(f.NotEquals, is) || slices.ContainsFunc(f.NotStartsWith, begins) || slices.ContainsFunc(f.NotEndsWith, ends) {
		return false
	}
	return len(f.Equals)+len(f.StartsWith)+len(f.EndsWith) == 0 ||
		slices.ContainsFunc(f.Equals, is) || slices.ContainsFunc(f.StartsWith, begins) || slices.ContainsFunc(f.EndsWith, ends)
}
