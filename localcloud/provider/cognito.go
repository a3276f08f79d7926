package provider

import (
	"context"
	"fmt"
	"strings"
	"time"
)

func cognitoTypes() []*resourceType { return []*resourceType{userPoolType(), userPoolClientType()} }

func userPoolType() *resourceType {
	const (
		noTriggers = "there are no triggers"
		noSNS      = "there is no SNS"
		noSES      = "no mail is sent"
		noDevices  = "devices are not remembered"
		noPasskeys = "there are no passkeys"
	)
	invocation := func(name string) *property {
		return object(name, text("lambdaArn").needed(), text("lambdaVersion").needed())
	}
	r := &resourceType{
		token: "aws:cognito/userPool:UserPool",
		properties: append(tagProperties(),
			object("accountRecoverySetting", set("recoveryMechanisms", object("", text("name").needed().oneOf("verified_email", "verified_phone_number", "admin_only"),
				integer("priority").needed().between(1, 2))).length(1, 2).orChosen()),
			object("adminCreateUserConfig", boolean("allowAdminCreateUserOnly"), object("inviteMessageTemplate", text("emailMessage").length(6, 20000),
				text("emailSubject").length(1, 140), text("smsMessage").length(6, 140))).orChosen(),
			set("aliasAttributes", text("").oneOf("phone_number", "email", "preferred_username")).replaces().against("usernameAttributes"),
			text("arn").output(),
			set("autoVerifiedAttributes", text("").oneOf("phone_number", "email")),
			text("creationDate").output(), text("customDomain").output(),
			text("deletionProtection").defaults("INACTIVE").oneOf("ACTIVE", "INACTIVE"),
			object("deviceConfiguration", boolean("challengeRequiredOnNewDevice"), boolean("deviceOnlyRememberedOnUserPrompt")).refused(noDevices),
			text("domain").output(),
			object("emailConfiguration", text("configurationSet").refused(noSES), text("emailSendingAccount").defaults("COGNITO_DEFAULT").oneOf("COGNITO_DEFAULT", "DEVELOPER"),
				text("fromEmailAddress"), text("replyToEmailAddress").matching(`^([\p{L}\p{M}\p{S}\p{N}\p{P}]+@[\p{L}\p{M}\p{S}\p{N}\p{P}]+)?$`, "an e-mail address"), text("sourceArn").checked(isARN)).
				defaults(map[string]any{"emailSendingAccount": "COGNITO_DEFAULT"}),
			object("emailMfaConfiguration", text("message"), text("subject")).refused(noSES),
			text("emailVerificationMessage").orChosen().length(6, 20000), text("emailVerificationSubject").orChosen().length(1, 140),
			text("endpoint").output(), integer("estimatedNumberOfUsers").output(),
			object("lambdaConfig", text("createAuthChallenge"), invocation("customEmailSender"), text("customMessage"), invocation("customSmsSender"), text("defineAuthChallenge"),
				text("kmsKeyId"), text("postAuthentication"), text("postConfirmation"), text("preAuthentication"), text("preSignUp"), text("preTokenGeneration"),
				invocation("preTokenGenerationConfig"), text("userMigration"), text("verifyAuthChallengeResponse")).refused(noTriggers),
			text("lastModifiedDate").output().changesWith(),
			text("mfaConfiguration").defaults("OFF").oneOf("OFF", "ON", "OPTIONAL"),
			text("name").orChosen().replaces().length(1, 128).matching(`^[\w\s+=,.@-]+$`, `must satisfy regular expression pattern: [\w\s+=,.@-]+`),
			object("passwordPolicy", integer("minimumLength").between(6, 99).orChosen(), integer("passwordHistorySize").between(0, 24), boolean("requireLowercase"),
				boolean("requireNumbers"), boolean("requireSymbols"), boolean("requireUppercase"), integer("temporaryPasswordValidityDays").between(0, 365).orChosen()).orChosen(),
			set("schemas", object("", text("attributeDataType").needed().oneOf("String", "Number", "DateTime", "Boolean"), boolean("developerOnlyAttribute"), boolean("mutable"),
				text("name").needed().length(1, 20), object("numberAttributeConstraints", text("maxValue"), text("minValue")).orChosen(), boolean("required"),
				object("stringAttributeConstraints", text("maxLength"), text("minLength")).orChosen())).length(1, 50),
			object("signInPolicy", set("allowedFirstAuthFactors", text("").oneOf("PASSWORD", "EMAIL_OTP", "SMS_OTP", "WEB_AUTHN"))).orChosen(),
			text("smsAuthenticationMessage").length(6, 140),
			object("smsConfiguration", text("externalId").needed(), text("snsCallerArn").needed(), text("snsRegion")).refused(noSNS),
			text("smsVerificationMessage").orChosen().length(6, 140),
			object("softwareTokenMfaConfiguration", boolean("enabled").needed()),
			object("userAttributeUpdateSettings", set("attributesRequireVerificationBeforeUpdates", text("").oneOf("phone_number", "email")).needed()),
			object("userPoolAddOns", object("advancedSecurityAdditionalFlows", text("customAuthMode")).refused("threat protection is not emulated"),
				text("advancedSecurityMode").needed().oneOf("OFF", "AUDIT", "ENFORCED")),
			text("userPoolTier").orChosen().oneOf("LITE", "ESSENTIALS", "PLUS"),
			set("usernameAttributes", text("").oneOf("phone_number", "email")).replaces().against("aliasAttributes"),
			// No block means what this default says; without it a change between false and none would look like no change.
			object("usernameConfiguration", boolean("caseSensitive").replaces()).defaults(map[string]any{"caseSensitive": true}),
			object("verificationMessageTemplate", text("defaultEmailOption").defaults("CONFIRM_WITH_CODE").oneOf("CONFIRM_WITH_LINK", "CONFIRM_WITH_CODE"),
				text("emailMessage").orChosen().length(6, 20000), text("emailMessageByLink").orChosen().length(6, 20000), text("emailSubject").orChosen().length(1, 140),
				text("emailSubjectByLink").orChosen().length(1, 140), text("smsMessage").orChosen().length(6, 140)).orChosen(),
			object("webAuthnConfiguration", text("relyingPartyId"), text("userVerification")).refused(noPasskeys),
		),
		naming: &naming{property: "name", maxLength: 128},
		check:  checkUserPool,
		create: createUserPool,
		read:   readUserPool,
		update: updateUserPool,
		remove: func(ctx context.Context, c *call, id string, _ props) error {
			_, err := c.do(ctx, "cognito-idp", "DeleteUserPool", props{"UserPoolId": id})
			return err
		},
	}
	return r
}

// verificationTexts are the texts that a pool has by two names: the old one, the template's and those of the API.
var verificationTexts = []struct{ old, template, member string }{
	{"emailVerificationMessage", "emailMessage", "EmailMessage"},
	{"emailVerificationSubject", "emailSubject", "EmailSubject"},
	{"smsVerificationMessage", "smsMessage", "SmsMessage"},
}

func checkUserPool(in props) []failure {
	var all []failure
	for _, t := range verificationTexts {
		if in.has(t.old) && in.object("verificationMessageTemplate").has(t.template) {
			all = append(all, failure{t.old, fmt.Sprintf("%q: conflicts with verificationMessageTemplate.%s", t.old, t.template)})
		}
	}
	mode, known := in["mfaConfiguration"].(string)
	if token := in.object("softwareTokenMfaConfiguration"); known && mode != "OFF" && (!in.has("softwareTokenMfaConfiguration") || token["enabled"] == false) {
		all = append(all, failure{"mfaConfiguration", "\"mfaConfiguration\": " + mode + " needs softwareTokenMfaConfiguration, the one second factor that the embedded AWS emulates"})
	}
	if mode := in.object("userPoolAddOns").text("advancedSecurityMode"); mode != "" && mode != "OFF" {
		all = append(all, failure{"userPoolAddOns.advancedSecurityMode", "the embedded AWS emulates \"userPoolAddOns.advancedSecurityMode\" only as OFF, not " + mode})
	}
	return all
}

// userPoolSettings are a pool's settings for creation and for changes of them alike.
func userPoolSettings(in, req props) props {
	in.copied(req, "autoVerifiedAttributes", "AutoVerifiedAttributes", "deletionProtection", "DeletionProtection", "userPoolTier", "UserPoolTier",
		"smsAuthenticationMessage", "SmsAuthenticationMessage")
	if a := in.object("accountRecoverySetting"); a != nil {
		mechanisms := []any{}
		for _, m := range a.objects("recoveryMechanisms") {
			mechanisms = append(mechanisms, m.copied(props{}, "name", "Name", "priority", "Priority"))
		}
		req["AccountRecoverySetting"] = props{"RecoveryMechanisms": mechanisms}
	}
	if a := in.object("adminCreateUserConfig"); a != nil {
		config := a.copied(props{}, "allowAdminCreateUserOnly", "AllowAdminCreateUserOnly")
		if m := a.object("inviteMessageTemplate"); m != nil {
			config["InviteMessageTemplate"] = m.copied(props{}, inviteMembers...)
		}
		req["AdminCreateUserConfig"] = config
	}
	if e := in.object("emailConfiguration"); e != nil {
		req["EmailConfiguration"] = e.copied(props{}, emailMembers...)
	}
	policies := props{}
	if p := in.object("passwordPolicy"); p != nil {
		policies["PasswordPolicy"] = p.copied(props{}, passwordMembers...)
	}
	if p := in.object("signInPolicy"); p != nil {
		policies["SignInPolicy"] = p.copied(props{}, "allowedFirstAuthFactors", "AllowedFirstAuthFactors")
	}
	req["Policies"] = policies
	req["UserAttributeUpdateSettings"] = props{"AttributesRequireVerificationBeforeUpdate": in.object("userAttributeUpdateSettings").list("attributesRequireVerificationBeforeUpdates")}
	if a := in.object("userPoolAddOns"); a != nil {
		req["UserPoolAddOns"] = a.copied(props{}, "advancedSecurityMode", "AdvancedSecurityMode")
	}
	template := in.object("verificationMessageTemplate").copied(props{}, templateMembers...)
	for _, t := range verificationTexts {
		if v := in.text(t.old); v != "" {
			template[t.member] = v
		}
	}
	req["VerificationMessageTemplate"] = template
	return req
}

// The members of a pool's structures, by our name and the API's.
var (
	inviteMembers   = []string{"emailMessage", "EmailMessage", "emailSubject", "EmailSubject", "smsMessage", "SMSMessage"}
	emailMembers    = []string{"emailSendingAccount", "EmailSendingAccount", "fromEmailAddress", "From", "replyToEmailAddress", "ReplyToEmailAddress", "sourceArn", "SourceArn"}
	passwordMembers = []string{"minimumLength", "MinimumLength", "passwordHistorySize", "PasswordHistorySize", "requireLowercase", "RequireLowercase", "requireNumbers", "RequireNumbers",
		"requireSymbols", "RequireSymbols", "requireUppercase", "RequireUppercase", "temporaryPasswordValidityDays", "TemporaryPasswordValidityDays"}
	templateMembers = []string{"defaultEmailOption", "DefaultEmailOption", "emailMessage", "EmailMessage", "emailMessageByLink", "EmailMessageByLink", "emailSubject", "EmailSubject",
		"emailSubjectByLink", "EmailSubjectByLink", "smsMessage", "SmsMessage"}
	schemaMembers = []string{"attributeDataType", "AttributeDataType", "developerOnlyAttribute", "DeveloperOnlyAttribute", "mutable", "Mutable", "name", "Name", "required", "Required"}
	clientMembers = []string{"accessTokenValidity", "AccessTokenValidity", "authSessionValidity", "AuthSessionValidity", "callbackUrls", "CallbackURLs", "defaultRedirectUri", "DefaultRedirectURI",
		"enablePropagateAdditionalUserContextData", "EnablePropagateAdditionalUserContextData", "enableTokenRevocation", "EnableTokenRevocation", "explicitAuthFlows", "ExplicitAuthFlows",
		"idTokenValidity", "IdTokenValidity", "logoutUrls", "LogoutURLs", "name", "ClientName", "preventUserExistenceErrors", "PreventUserExistenceErrors",
		"readAttributes", "ReadAttributes", "refreshTokenValidity", "RefreshTokenValidity", "supportedIdentityProviders", "SupportedIdentityProviders", "writeAttributes", "WriteAttributes"}
	unitMembers   = []string{"accessToken", "AccessToken", "idToken", "IdToken", "refreshToken", "RefreshToken"}
	textMembers   = []string{"maxLength", "MaxLength", "minLength", "MinLength"}
	numberMembers = []string{"maxValue", "MaxValue", "minValue", "MinValue"}
)

// read is copied the other way round; it leaves empty values out.
func (p props) read(members []string) props {
	out := props{}
	for i := 0; i < len(members); i += 2 {
		if v := p[members[i+1]]; !isZero(v) {
			out[members[i]] = v
		}
	}
	return out
}

func schemaAttributes(schemas []props) []any {
	all := []any{}
	for _, a := range schemas {
		attribute := a.copied(props{"Mutable": false}, schemaMembers...)
		if t := a.object("stringAttributeConstraints"); t != nil {
			attribute["StringAttributeConstraints"] = t.copied(props{}, textMembers...)
		}
		if n := a.object("numberAttributeConstraints"); n != nil {
			attribute["NumberAttributeConstraints"] = n.copied(props{}, numberMembers...)
		}
		all = append(all, attribute)
	}
	return all
}

func createUserPool(ctx context.Context, c *call, in props) (string, error) {
	req := userPoolSettings(in, props{"PoolName": in["name"], "UserPoolTags": in["tagsAll"]})
	in.copied(req, "aliasAttributes", "AliasAttributes", "usernameAttributes", "UsernameAttributes")
	if u := in.object("usernameConfiguration"); u != nil {
		req["UsernameConfiguration"] = props{"CaseSensitive": u.boolean("caseSensitive")}
	}
	if s := in.objects("schemas"); len(s) > 0 {
		req["Schema"] = schemaAttributes(s)
	}
	out, err := c.do(ctx, "cognito-idp", "CreateUserPool", req)
	if err != nil {
		return "", err
	}
	id := out.object("UserPool").text("Id")
	if in.text("mfaConfiguration") != "OFF" || in.has("softwareTokenMfaConfiguration") {
		return id, setUserPoolMFA(ctx, c, id, in)
	}
	return id, nil
}

func setUserPoolMFA(ctx context.Context, c *call, id string, in props) error {
	req := in.copied(props{"UserPoolId": id}, "mfaConfiguration", "MfaConfiguration")
	if t := in.object("softwareTokenMfaConfiguration"); t != nil {
		req["SoftwareTokenMfaConfiguration"] = props{"Enabled": t.boolean("enabled")}
	}
	_, err := c.do(ctx, "cognito-idp", "SetUserPoolMfaConfig", req)
	return err
}

func readUserPool(ctx context.Context, c *call, id string, state props) (props, error) {
	out, err := c.do(ctx, "cognito-idp", "DescribeUserPool", props{"UserPoolId": id})
	if err != nil {
		return nil, err
	}
	mfa, err := c.do(ctx, "cognito-idp", "GetUserPoolMfaConfig", props{"UserPoolId": id})
	if err != nil {
		return nil, err
	}
	p := out.object("UserPool")
	live := p.read([]string{"aliasAttributes", "AliasAttributes", "arn", "Arn", "autoVerifiedAttributes", "AutoVerifiedAttributes", "deletionProtection", "DeletionProtection",
		"emailVerificationMessage", "EmailVerificationMessage", "emailVerificationSubject", "EmailVerificationSubject", "name", "Name", "smsAuthenticationMessage", "SmsAuthenticationMessage",
		"smsVerificationMessage", "SmsVerificationMessage", "tagsAll", "UserPoolTags", "userPoolTier", "UserPoolTier", "usernameAttributes", "UsernameAttributes"})
	_, host, _ := strings.Cut(c.endpoint, "://")
	live["endpoint"] = host + "/" + id // the tokens' issuer without its scheme
	live["customDomain"], live["domain"] = "", ""
	live["estimatedNumberOfUsers"] = p.number("EstimatedNumberOfUsers")
	live["creationDate"], live["lastModifiedDate"] = rfc3339(p.number("CreationDate")), rfc3339(p.number("LastModifiedDate"))
	live["mfaConfiguration"] = mfa.text("MfaConfiguration")
	if t := mfa.object("SoftwareTokenMfaConfiguration"); t != nil {
		live["softwareTokenMfaConfiguration"] = map[string]any{"enabled": t.boolean("Enabled")}
	}
	config := p.object("AdminCreateUserConfig")
	admin := props{"allowAdminCreateUserOnly": config.boolean("AllowAdminCreateUserOnly")}
	if m := config.object("InviteMessageTemplate").read(inviteMembers); len(m) > 0 {
		admin["inviteMessageTemplate"] = m
	}
	live["adminCreateUserConfig"] = admin
	live["emailConfiguration"] = p.object("EmailConfiguration").read(emailMembers)
	password := props{}
	for i := 0; i < len(passwordMembers); i += 2 {
		if v, told := p.object("Policies").object("PasswordPolicy")[passwordMembers[i+1]]; told {
			password[passwordMembers[i]] = v
		}
	}
	live["passwordPolicy"] = password
	live["signInPolicy"] = props{"allowedFirstAuthFactors": p.object("Policies").object("SignInPolicy").list("AllowedFirstAuthFactors")}
	live["verificationMessageTemplate"] = p.object("VerificationMessageTemplate").read(templateMembers)
	if u := p.object("UsernameConfiguration"); u != nil {
		live["usernameConfiguration"] = props{"caseSensitive": u.boolean("CaseSensitive")}
	}
	if a := p.object("UserPoolAddOns"); a != nil {
		live["userPoolAddOns"] = a.read([]string{"advancedSecurityMode", "AdvancedSecurityMode"})
	}
	if names := p.object("UserAttributeUpdateSettings").list("AttributesRequireVerificationBeforeUpdate"); len(names) > 0 {
		live["userAttributeUpdateSettings"] = props{"attributesRequireVerificationBeforeUpdates": names}
	}
	if a := p.object("AccountRecoverySetting"); a != nil {
		mechanisms := []any{}
		for _, m := range a.objects("RecoveryMechanisms") {
			mechanisms = append(mechanisms, m.read([]string{"name", "Name", "priority", "Priority"}))
		}
		live["accountRecoverySetting"] = props{"recoveryMechanisms": mechanisms}
	}
	if s := liveSchemas(state.objects("schemas"), p.objects("SchemaAttributes")); len(s) > 0 {
		live["schemas"] = s
	}
	return live, nil
}

func rfc3339(seconds float64) string { return time.Unix(int64(seconds), 0).UTC().Format(time.RFC3339) }

// liveSchemas are the attributes of a pool that its program knows of, and the custom ones: every pool has the others.
func liveSchemas(known, all []props) []any {
	named := map[string]bool{}
	for _, a := range known {
		named[a.text("name")] = true
	}
	live := []any{}
	for _, a := range all {
		name, custom := strings.CutPrefix(a.text("Name"), "custom:")
		name = strings.TrimPrefix(name, "dev:")
		if !custom && !named[name] {
			continue
		}
		out := a.read(schemaMembers)
		out["name"] = name
		if t := a.object("StringAttributeConstraints").read(textMembers); len(t) > 0 {
			out["stringAttributeConstraints"] = t
		}
		if n := a.object("NumberAttributeConstraints").read(numberMembers); len(n) > 0 {
			out["numberAttributeConstraints"] = n
		}
		live = append(live, map[string]any(out))
	}
	return live
}

func updateUserPool(ctx context.Context, c *call, ch *change) error {
	if ch.of("schemas") {
		was, wanted := ch.old.list("schemas"), ch.wanted.list("schemas")
		added, removed := setDifference(ch.resource.property("schemas").elem, was, wanted)
		if len(removed) > 0 {
			return fmt.Errorf("updating Cognito User Pool (%s): cannot modify or remove schema items", ch.id)
		}
		var more []props
		for _, i := range added {
			more = append(more, asObject(wanted[i]))
		}
		if _, err := c.do(ctx, "cognito-idp", "AddCustomAttributes", props{"UserPoolId": ch.id, "CustomAttributes": schemaAttributes(more)}); err != nil {
			return err
		}
	}
	if ch.of("mfaConfiguration", "softwareTokenMfaConfiguration") {
		if err := setUserPoolMFA(ctx, c, ch.id, ch.wanted); err != nil {
			return err
		}
	}
	if ch.of("accountRecoverySetting", "adminCreateUserConfig", "autoVerifiedAttributes", "deletionProtection", "emailConfiguration", "emailVerificationMessage", "emailVerificationSubject",
		"passwordPolicy", "signInPolicy", "smsAuthenticationMessage", "smsVerificationMessage", "userAttributeUpdateSettings", "userPoolAddOns", "userPoolTier", "verificationMessageTemplate") {
		settings := props{}
		for k, v := range ch.wanted {
			settings[k] = v
		}
		for _, t := range verificationTexts {
			if !ch.of(t.old) { // it follows the template
				delete(settings, t.old)
			}
		}
		req := userPoolSettings(settings, props{"UserPoolId": ch.id, "MfaConfiguration": ch.wanted.text("mfaConfiguration")})
		if _, err := c.do(ctx, "cognito-idp", "UpdateUserPool", req); err != nil {
			return err
		}
	}
	return ch.retag(ctx, c, "cognito-idp", "ResourceArn", ch.old["arn"], "TagKeys", "Tags", nil)
}
