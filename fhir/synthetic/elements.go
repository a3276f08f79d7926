package synthetic

import "encoding/json"

// The elements of FHIR R4 that are used, with their members in the order of the specification
// (https://hl7.org/fhir/R4/datatypes.html).

type meta struct {
	Security []coding `json:"security"`
}

type coding struct {
	System  string `json:"system"`
	Code    string `json:"code"`
	Display string `json:"display,omitempty"`
}

type concept struct {
	Coding []coding `json:"coding"`
	Text   string   `json:"text,omitempty"`
}

type reference struct {
	Reference string `json:"reference"`
}

type identifier struct {
	Use    string `json:"use"`
	System string `json:"system"`
	Value  string `json:"value"`
}

type humanName struct {
	Use    string   `json:"use"`
	Family string   `json:"family"`
	Given  []string `json:"given"`
}

type contactPoint struct {
	System string `json:"system"`
	Value  string `json:"value"`
	Use    string `json:"use"`
}

type address struct {
	Use        string   `json:"use"`
	Line       []string `json:"line"`
	City       string   `json:"city"`
	State      string   `json:"state"`
	PostalCode string   `json:"postalCode"`
	Country    string   `json:"country"`
}

type communication struct {
	Language  concept `json:"language"`
	Preferred bool    `json:"preferred"`
}

type period struct {
	Start string `json:"start"`
	End   string `json:"end"`
}

type quantity struct {
	Value  json.Number `json:"value"`
	Unit   string      `json:"unit"`
	System string      `json:"system"`
	Code   string      `json:"code"`
}

type component struct {
	Code          concept  `json:"code"`
	ValueQuantity quantity `json:"valueQuantity"`
}

// header is what each resource begins with.
type header struct {
	ResourceType string `json:"resourceType"`
	ID           string `json:"id"`
	Meta         meta   `json:"meta"`
}

// begin is the header of a resource with the label of test data.
func begin(resourceType, id string) header {
	return header{ResourceType: resourceType, ID: id, Meta: meta{Security: []coding{{actReason, "HTEST", "test health data"}}}}
}

// patient follows https://hl7.org/fhir/R4/patient.html.
type patient struct {
	header
	Identifier       []identifier    `json:"identifier"`
	Active           bool            `json:"active"`
	Name             []humanName     `json:"name"`
	Telecom          []contactPoint  `json:"telecom,omitempty"`
	Gender           string          `json:"gender"`
	BirthDate        string          `json:"birthDate"`
	DeceasedDateTime string          `json:"deceasedDateTime,omitempty"`
	Address          []address       `json:"address,omitempty"`
	MaritalStatus    *concept        `json:"maritalStatus,omitempty"`
	Communication    []communication `json:"communication,omitempty"`
}

// encounter follows https://hl7.org/fhir/R4/encounter.html.
type encounter struct {
	header
	Status     string     `json:"status"`
	Class      coding     `json:"class"`
	Type       []concept  `json:"type"`
	Subject    *reference `json:"subject,omitempty"`
	Period     period     `json:"period"`
	ReasonCode []concept  `json:"reasonCode,omitempty"`
}

// observation follows https://hl7.org/fhir/R4/observation.html.
type observation struct {
	header
	Status            string      `json:"status"`
	Category          []concept   `json:"category"`
	Code              concept     `json:"code"`
	Subject           *reference  `json:"subject,omitempty"`
	Encounter         *reference  `json:"encounter,omitempty"`
	EffectiveDateTime string      `json:"effectiveDateTime"`
	Issued            string      `json:"issued"`
	ValueQuantity     *quantity   `json:"valueQuantity,omitempty"`
	Component         []component `json:"component,omitempty"`
}

// The code systems that are used.
const (
	actReason           = "http://terminology.hl7.org/CodeSystem/v3-ActReason"
	actCode             = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
	maritalStatus       = "http://terminology.hl7.org/CodeSystem/v3-MaritalStatus"
	observationCategory = "http://terminology.hl7.org/CodeSystem/observation-category"
	languages           = "urn:ietf:bcp:47"
	loinc               = "http://loinc.org"
	snomed              = "http://snomed.info/sct"
	ucum                = "http://unitsofmeasure.org"
)
