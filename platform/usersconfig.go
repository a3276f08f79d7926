package platform

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/carepath/carepath/components/usercreation"
	"github.com/carepath/carepath/lang/jsonvalue"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// UsersConfig is the creation of users.
type UsersConfig struct {
	// FirstID is the first user's number, 1 to 10^18. Default: usercreation.DefaultFirstID.
	FirstID int64
	// Allocation is how numbers are handed out. Default: atomic.
	Allocation usercreation.Allocation
	// MFA of the user pool. Default: OPTIONAL.
	MFA usercreation.MFA
	// Email is the Amazon SES identity that mail comes from. Default: none, and Cognito sends 50 a day.
	Email EmailConfig
	// DeletionProtection of the table and the user pool. Default: that of carepath:platform.protect.
	DeletionProtection bool
	// Attributes are what this platform's users have besides names, e-mail address and phone number. Default: none.
	Attributes []usercreation.Attribute
	// Throttle limits the API. Default: 50 requests a second, which is what Cognito creates, 100 at once.
	Throttle ThrottleConfig
}

// EmailConfig is a sender of Amazon SES.
type EmailConfig struct {
	IdentityARN string // of a verified domain or address; none: Cognito sends mail itself
	From        string // an address that the identity covers, or a name and it in <>
}

func usersDefaults(local, protect bool) UsersConfig {
	u := UsersConfig{
		FirstID: usercreation.DefaultFirstID, Allocation: usercreation.Atomic, MFA: usercreation.MFAOptional, DeletionProtection: protect,
		Attributes: []usercreation.Attribute{}, Throttle: ThrottleConfig{RatePerSecond: 50, Burst: 100},
	}
	if local {
		u.Throttle = localThrottle
	}
	return u
}

func (u *UsersConfig) read(o *objectReader, prod bool) {
	firstID := Setting{
		Meaning: "The first user's number. It has no effect once a number has been handed out. Write large ones as texts: YAML readers may round numbers beyond 2^53.",
		Allowed: fmt.Sprintf("an integer from 1 to %d, or its text", int64(usercreation.MaxFirstID)),
		schema:  map[string]any{"type": []string{"integer", "string"}, "minimum": 1, "pattern": "^[1-9][0-9]{0,18}$"},
	}
	leaf(o, "firstId", &u.FirstID, firstID, func(value any) {
		text, ok := value.(string)
		if number, isNumber := value.(jsonvalue.Number); isNumber {
			text, ok = jsonvalue.Text(number), true
		}
		n, err := strconv.ParseInt(text, 10, 64)
		if !ok || err != nil || n < 1 || n > usercreation.MaxFirstID {
			o.problem("firstId", jsonvalue.Text(value), firstID.Allowed)
			return
		}
		u.FirstID = n
	})
	choice(o, "allocation", &u.Allocation,
		"How numbers are handed out. atomic costs the same with any number of callers; optimistic leaves no gap when a creation fails before the profile is written.",
		string(usercreation.Atomic), string(usercreation.Optimistic))
	choice(o, "mfa", &u.MFA, "Whether users give a time-based one-time password as a second factor.",
		string(usercreation.MFAOff), string(usercreation.MFAOptional), string(usercreation.MFARequired))
	u.Email.read(o.object("email", "The Amazon SES identity that invitations come from. Without one Cognito sends them itself, 50 a day."))
	o.mayBeOff("deletionProtection", &u.DeletionProtection, !prod, "Keeps AWS and Pulumi from deleting the table and the user pool.")
	u.readAttributes(o)
	u.Throttle.read(o.object("throttle", "A token bucket that all clients share."))
	o.end()
}

func (u *UsersConfig) readAttributes(o *objectReader) {
	s := Setting{
		Meaning: "What users have besides names, e-mail address and phone number: texts that requests may hold and profiles keep.",
		Allowed: `a list of objects {"name", "maxLength", "required"}: a name is letters and digits, a lower-case letter first; maxLength is from 1 to 2048`,
		schema: map[string]any{"type": "array", "items": map[string]any{
			"type": "object", "required": []string{"name", "maxLength"}, "additionalProperties": false,
			"properties": map[string]any{
				"name": map[string]any{"type": "string"}, "maxLength": map[string]any{"type": "integer", "minimum": 1, "maximum": 2048}, "required": map[string]any{"type": "boolean"},
			},
		}},
	}
	leaf(o, "attributes", &u.Attributes, s, func(value any) {
		var attributes []usercreation.Attribute
		decoder := json.NewDecoder(strings.NewReader(jsonvalue.Text(value)))
		decoder.DisallowUnknownFields()
		err := decoder.Decode(&attributes)
		if err == nil {
			err = usercreation.CheckAttributes(attributes)
		}
		if err != nil {
			o.problem("attributes", jsonvalue.Text(value), s.Allowed+": "+err.Error())
			return
		}
		u.Attributes = attributes
	})
}

var (
	identityPattern = regexp.MustCompile(`^arn:aws[a-z-]*:ses:[a-z0-9-]+:[0-9]{12}:identity/[^\s/]+$`)
	senderPattern   = regexp.MustCompile(`^([^<>]*<)?[^\s<>@]+@[^\s<>@]+>?$`)
)

func (e *EmailConfig) read(o *objectReader) {
	before := len(o.reader.problems)
	o.optional("identityArn", &e.IdentityARN, identityPattern, "the ARN of an Amazon SES identity, such as \"arn:aws:ses:us-east-1:123456789012:identity/example.com\"",
		"The verified domain or address, in the stack's region or one that Cognito takes for it.")
	o.optional("from", &e.From, senderPattern, "an address, or a name and the address in <>, such as \"Accounts <accounts@example.com>\"",
		"Whom invitations are from: an address that the identity covers.")
	o.end()
	if len(o.reader.problems) > before || o.hasSecret() {
		return
	}
	switch {
	case e.IdentityARN == "" && e.From != "":
		o.problem("identityArn", "", "given with from")
	case e.IdentityARN != "" && e.From == "":
		o.problem("from", "", "given with identityArn")
	case !e.covered():
		o.problem("from", jsonvalue.Text(e.From), "an address that the identity covers: that of the identity, or one at its domain or below it")
	}
}

// covered says whether the identity may send as From.
func (e *EmailConfig) covered() bool {
	_, identity, _ := strings.Cut(e.IdentityARN, ":identity/")
	address := strings.TrimSuffix(e.From[strings.LastIndexByte(e.From, '<')+1:], ">")
	if strings.Contains(identity, "@") {
		return strings.EqualFold(identity, address)
	}
	domain := strings.ToLower(address[strings.LastIndexByte(address, '@')+1:])
	return domain == strings.ToLower(identity) || strings.HasSuffix(domain, "."+strings.ToLower(identity))
}

// sender is the argument of the component; nil without an identity.
func (e *EmailConfig) sender() *usercreation.Email {
	if e.IdentityARN == "" {
		return nil
	}
	return &usercreation.Email{IdentityARN: pulumi.String(e.IdentityARN), From: pulumi.String(e.From)}
}
