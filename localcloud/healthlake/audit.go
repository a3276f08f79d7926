package healthlake

import "encoding/json"

// What CloudTrail records of the calls that change something. Of FHIR interactions it shows the data store, the type and the
// status; which resource it was is hidden. Bundles are one record.

// hidden stands where CloudTrail's records would name a resource.
const hidden = "HIDDEN_DUE_TO_SECURITY_REASONS"

// recordedFHIR is a record's part about an interaction.
type recordedFHIR struct {
	DatastoreID  string `json:"datastoreId"`
	ResourceType string `json:"resourceType,omitempty"`
	ResourceID   string `json:"resourceId,omitempty"`
}

type recordedStatus struct {
	StatusCode int `json:"statusCode"`
}

func recorded(t Target, id string, out any) (requestParameters, responseElements any) {
	if id != "" {
		id = hidden
	}
	if r, ok := out.(*Response); ok {
		responseElements = recordedStatus{r.StatusCode}
	}
	return recordedFHIR{t.DatastoreID, t.ResourceType, id}, responseElements
}

// Recorded implements dispatch.Audited.
func (in *CreateResourceInput) Recorded(out any) (requestParameters, responseElements any) {
	return recorded(in.Target, "", out)
}

// Recorded implements dispatch.Audited.
func (in *UpdateResourceInput) Recorded(out any) (requestParameters, responseElements any) {
	return recorded(in.Target, in.ResourceID, out)
}

// Recorded implements dispatch.Audited.
func (in *PatchResourceInput) Recorded(out any) (requestParameters, responseElements any) {
	return recorded(in.Target, in.ResourceID, out)
}

// Recorded implements dispatch.Audited.
func (in *DeleteResourceInput) Recorded(out any) (requestParameters, responseElements any) {
	return recorded(in.Target, in.ResourceID, out)
}

// Recorded implements dispatch.Audited.
func (in *ProcessBundleInput) Recorded(out any) (requestParameters, responseElements any) {
	return recorded(in.Target, "", out)
}

// Recorded implements dispatch.Audited.
func (in *CreateFHIRDatastoreInput) Recorded(out any) (requestParameters, responseElements any) {
	return lowerFirst(in), lowerFirst(out)
}

// Recorded implements dispatch.Audited.
func (in *DeleteFHIRDatastoreInput) Recorded(out any) (requestParameters, responseElements any) {
	return recordedStore{in.DatastoreID}, lowerFirst(out)
}

// recordedStore is a record's part about a data store.
type recordedStore struct {
	DatastoreID string `json:"datastoreId"`
}

// lowerFirst writes a structure with its members' first letters in lower case, as records have them; nil stays nil.
func lowerFirst(v any) any {
	if v == nil {
		return nil
	}
	text, err := json.Marshal(v)
	if err != nil {
		return nil
	}
	var members map[string]any
	if json.Unmarshal(text, &members) != nil {
		return nil
	}
	return lowered(members)
}

func lowered(v any) any {
	switch v := v.(type) {
	case map[string]any:
		out := make(map[string]any, len(v))
		for name, e := range v {
			out[string(name[0]|0x20)+name[1:]] = lowered(e)
		}
		return out
	case []any:
		for i := range v {
			v[i] = lowered(v[i])
		}
	}
	return v
}
