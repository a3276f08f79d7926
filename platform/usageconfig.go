package platform

// UsageConfig is how much a stack is used: what estimates of its cost assume. Nothing that is deployed depends on it. Amounts are
// per month where nothing else is said.
type UsageConfig struct {
	IntakeRequests     int // posted payloads
	IntakeFailures     int // of them, those that end in the dead-letter queue
	IntakePayloadBytes int // of each
	UserCreations      int
	ActiveUsers        int // who sign in, or are created
	FunctionRequests   int // to each API of functions
	// FunctionMilliseconds is how long each invocation of a function takes.
	FunctionMilliseconds int
	FHIRChanges          int // resources created, updated or deleted
	FHIRResourceBytes    int // of each
	FHIRStoredGB         int // in the data store
	// FHIRQueries are reads and searches by others than the capture of changes.
	FHIRQueries int
	KMSRequests int
	// AlarmNotifications are what alarms tell each of their topics.
	AlarmNotifications int
	// MonthsKept is how long data has been piling up that nothing deletes.
	MonthsKept int
}

// DefaultUsage is a small system in its first year.
func DefaultUsage() UsageConfig {
	return UsageConfig{
		IntakeRequests: 100_000, IntakeFailures: 100, IntakePayloadBytes: 2_000, UserCreations: 1_000, ActiveUsers: 1_000,
		FunctionRequests: 100_000, FunctionMilliseconds: 50,
		FHIRChanges: 100_000, FHIRResourceBytes: 3_000, FHIRStoredGB: 10, FHIRQueries: 100_000,
		KMSRequests: 100_000, AlarmNotifications: 20, MonthsKept: 12,
	}
}

func (u *UsageConfig) read(o *objectReader) {
	const most = 2_000_000_000
	o.within("intakeRequests", &u.IntakeRequests, 0, most, "Payloads posted to the intake, a month.")
	o.within("intakeFailures", &u.IntakeFailures, 0, most, "Payloads that end in the intake's dead-letter queue, a month.")
	o.within("intakePayloadBytes", &u.IntakePayloadBytes, 0, 256<<10, "The size of a payload, in bytes.")
	o.within("userCreations", &u.UserCreations, 0, most, "Users created, a month.")
	o.within("activeUsers", &u.ActiveUsers, 0, most, "Users who sign in or are created, a month.")
	o.within("functionRequests", &u.FunctionRequests, 0, most, "Requests to each API of functions, a month.")
	o.within("functionMilliseconds", &u.FunctionMilliseconds, 1, 900_000, "How long an invocation of a function takes, in milliseconds.")
	o.within("fhirChanges", &u.FHIRChanges, 0, most, "FHIR resources created, updated or deleted, a month.")
	o.within("fhirResourceBytes", &u.FHIRResourceBytes, 0, 4<<20, "The size of a FHIR resource, in bytes.")
	o.within("fhirStoredGb", &u.FHIRStoredGB, 0, 1_000_000, "What the FHIR data store holds, in GB.")
	o.within("fhirQueries", &u.FHIRQueries, 0, most, "FHIR reads and searches a month, beside those that capture changes.")
	o.within("kmsRequests", &u.KMSRequests, 0, most, "Requests to the stack's key, a month. Services cache data keys, so it cannot be told from the other numbers.")
	o.within("alarmNotifications", &u.AlarmNotifications, 0, most, "Notifications of alarms, a month.")
	o.within("monthsKept", &u.MonthsKept, 1, 1_200, "How many months data has been piling up that nothing deletes.")
	o.end()
}

// UsageOf is the usage that a stack's settings say; encrypted ones count as their defaults.
func UsageOf(settings []Setting) UsageConfig {
	u := DefaultUsage()
	members := map[string]any{}
	for _, s := range settings {
		if object, name := s.parent(); object == keyUsage && !s.Secret {
			members[name] = s.Value
		}
	}
	r := &configReader{values: map[string]string{keyUsage: text(members)}}
	u.read(r.object(keyUsage, "")) // what is wrong with it was reported when the settings were read
	return u
}

// Members are the amounts by their names in the configuration.
func (u *UsageConfig) Members() map[string]int {
	r := &configReader{}
	u.read(r.object(keyUsage, ""))
	members := map[string]int{}
	for _, s := range r.settings {
		if object, name := s.parent(); object == keyUsage {
			members[name] = s.Value.(int)
		}
	}
	return members
}
