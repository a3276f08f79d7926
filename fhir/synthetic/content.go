package synthetic

import (
	"fmt"
	"time"
)

var (
	givenNames  = []string{"Testa", "Demos", "Samplina", "Mockwell", "Exemplar", "Fixtura", "Stubbs", "Probina", "Zoë", "Łukaszek", "Ñandu", "Ðemo", "试样"}
	familyNames = []string{"Synthetic", "Placeholder", "Van der Sample", "O'Fixture", "Demonstrand", "Mockingham", "Nobody", "Beispiel", "Testović", "Fiktív"}
	streets     = []string{"Sample Street", "Fixture Lane", "Placeholder Road", "Example Avenue"}
	cities      = []string{"Testville", "Mockport", "Samplebury", "New Example"}
	genders     = []string{"female", "male", "other", "unknown"}
	marriages   = []coding{{maritalStatus, "M", "Married"}, {maritalStatus, "S", "Never Married"}, {maritalStatus, "D", "Divorced"}, {maritalStatus, "W", "Widowed"}}
	spoken      = []coding{{languages, "en", "English"}, {languages, "es", "Spanish"}, {languages, "de", "German"}, {languages, "zh", "Chinese"}}
	classes     = []coding{{actCode, "AMB", "ambulatory"}, {actCode, "EMER", "emergency"}, {actCode, "IMP", "inpatient encounter"}, {actCode, "VR", "virtual"}}
	visits      = []coding{
		{snomed, "185349003", "Encounter for check up"}, {snomed, "50849002", "Emergency room admission"}, {snomed, "390906007", "Follow-up encounter"},
	}
	reasons = []coding{{snomed, "38341003", "Hypertensive disorder"}, {snomed, "195967001", "Asthma"}, {snomed, "44054006", "Type 2 diabetes mellitus"}, {snomed, "25064002", "Headache"}}
)

const dateLayout = "2006-01-02"

func (p *person) patient() patient {
	serial := 100 + p.IntN(900)
	p.born, p.until = latest.AddDate(0, 0, -7-p.IntN(95*365)), latest
	r := patient{
		header:     begin(Patient, p.id),
		Identifier: []identifier{{"usual", "urn:oid:2.16.840.1.113883.19.5", fmt.Sprintf("SYN-%s", p.id[:13])}}, // HL7's own arc for examples
		Active:     !p.chance(5),
		Name:       []humanName{{"official", fmt.Sprint(pick(p, familyNames), 100+p.IntN(900)), []string{fmt.Sprint(pick(p, givenNames), serial)}}},
		Gender:     pick(p, genders),
		BirthDate:  p.born.Format(dateLayout),
	}
	if p.chance(30) {
		r.Name[0].Given = append(r.Name[0].Given, fmt.Sprint(pick(p, givenNames), 100+p.IntN(900)))
	}
	if p.chance(80) {
		r.Telecom = append(r.Telecom, contactPoint{"phone", fmt.Sprintf("+1-202-555-01%02d", p.IntN(100)), "home"})
	}
	if p.chance(60) {
		r.Telecom = append(r.Telecom, contactPoint{"email", fmt.Sprintf("synthetic-%s@example.org", p.id[:8]), "home"})
	}
	if p.chance(4) {
		p.until = p.born.AddDate(0, 0, 1+p.IntN(int(latest.Sub(p.born).Hours())/24))
		r.DeceasedDateTime = p.until.AddDate(0, 0, 1).Format(dateLayout)
	}
	if p.chance(90) {
		r.Address = []address{{"home", []string{fmt.Sprint(1+p.IntN(999), " ", pick(p, streets))}, pick(p, cities), "ZZ", fmt.Sprintf("%05d", p.IntN(1000)), "US"}}
	}
	if p.chance(70) {
		r.MaritalStatus = &concept{Coding: []coding{pick(p, marriages)}}
	}
	if p.chance(50) {
		r.Communication = []communication{{Language: concept{Coding: []coding{pick(p, spoken)}}, Preferred: true}}
	}
	return r
}

func (p *person) encounter(id string, began time.Time, length time.Duration) encounter {
	visit := pick(p, visits)
	r := encounter{
		header: begin(Encounter, id), Status: "finished", Class: pick(p, classes),
		Type: []concept{{Coding: []coding{visit}, Text: visit.Display}}, Subject: p.refer(Patient, p.id),
		Period: period{began.Format(time.RFC3339), began.Add(length).Format(time.RFC3339)},
	}
	if p.chance(60) {
		r.ReasonCode = []concept{{Coding: []coding{pick(p, reasons)}}}
	}
	return r
}

// vital is a vital sign (https://hl7.org/fhir/R4/observation-vitalsigns.html) with what is usual.
type vital struct {
	code, display string
	least, most   float64
	digits        int
	unit, ucum    string
}

var (
	vitals = []vital{
		{"8867-4", "Heart rate", 48, 110, 0, "beats/minute", "/min"},
		{"9279-1", "Respiratory rate", 11, 24, 0, "breaths/minute", "/min"},
		{"8310-5", "Body temperature", 35.8, 39.4, 1, "C", "Cel"},
		{"8302-2", "Body height", 148, 199, 1, "cm", "cm"},
		{"29463-7", "Body weight", 42, 130, 2, "kg", "kg"},
		{"39156-5", "Body mass index (BMI) [Ratio]", 17, 36, 2, "kg/m2", "kg/m2"},
		{"2708-6", "Oxygen saturation in Arterial blood", 91, 100, 1, "%", "%"},
	}
	systolic  = vital{"8480-6", "Systolic blood pressure", 95, 165, 0, "mmHg", "mm[Hg]"}
	diastolic = vital{"8462-4", "Diastolic blood pressure", 55, 94, 0, "mmHg", "mm[Hg]"}
)

func (v vital) concept() concept {
	return concept{Coding: []coding{{loinc, v.code, v.display}}, Text: v.display}
}

func (p *person) measure(v vital) quantity {
	return quantity{p.decimal(v.least, v.most, v.digits), v.unit, ucum, v.ucum}
}

func (p *person) observation(encounterID string, at time.Time) observation {
	id := p.newID()
	r := observation{
		header: begin(Observation, id), Status: "final",
		Category: []concept{{Coding: []coding{{observationCategory, "vital-signs", "Vital Signs"}}}},
		Subject:  p.refer(Patient, p.id), Encounter: p.refer(Encounter, encounterID),
		EffectiveDateTime: at.Format(time.RFC3339), Issued: at.Add(time.Duration(p.IntN(60_000)) * time.Millisecond).Format("2006-01-02T15:04:05.000Z07:00"),
	}
	if p.chance(25) {
		r.Code = concept{Coding: []coding{{loinc, "85354-9", "Blood pressure panel with all children optional"}}, Text: "Blood pressure"}
		r.Component = []component{{systolic.concept(), p.measure(systolic)}, {diastolic.concept(), p.measure(diastolic)}}
		return r
	}
	v := pick(p, vitals)
	value := p.measure(v)
	r.Code, r.ValueQuantity = v.concept(), &value
	return r
}
