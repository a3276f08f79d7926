package cognitoidp

import "github.com/carepath/carepath/localcloud/dispatch"

// UserPool describes a user pool.
// https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_UserPoolType.html
type UserPool struct {
	Id                          string
	Name                        string
	Policies                    Policies
	DeletionProtection          string // ACTIVE or INACTIVE
	LambdaConfig                LambdaConfig
	LastModifiedDate            dispatch.Time
	CreationDate                dispatch.Time
	SchemaAttributes            []SchemaAttribute
	AutoVerifiedAttributes      []string                     `json:",omitempty"`
	AliasAttributes             []string                     `json:",omitempty"`
	UsernameAttributes          []string                     `json:",omitempty"`
	SmsVerificationMessage      string                       `json:",omitempty"`
	EmailVerificationMessage    string                       `json:",omitempty"`
	EmailVerificationSubject    string                       `json:",omitempty"`
	VerificationMessageTemplate VerificationMessageTemplate  //
	SmsAuthenticationMessage    string                       `json:",omitempty"`
	UserAttributeUpdateSettings *UserAttributeUpdateSettings `json:",omitempty"`
	MfaConfiguration            string                       // OFF, ON or OPTIONAL
	EstimatedNumberOfUsers      int
	EmailConfiguration          EmailConfiguration
	UserPoolTags                map[string]string `json:",omitempty"`
	AdminCreateUserConfig       AdminCreateUserConfig
	UserPoolAddOns              *UserPoolAddOns         `json:",omitempty"`
	UsernameConfiguration       *UsernameConfiguration  `json:",omitempty"`
	Arn                         string                  //
	AccountRecoverySetting      *AccountRecoverySetting `json:",omitempty"`
	UserPoolTier                string                  // LITE, ESSENTIALS or PLUS
}

// Policies are what a pool demands of passwords and of ways to sign in.
type Policies struct {
	PasswordPolicy *PasswordPolicy `json:",omitempty"`
	SignInPolicy   *SignInPolicy   `json:",omitempty"`
}

// PasswordPolicy is what a pool demands of passwords.
// https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_PasswordPolicyType.html
type PasswordPolicy struct {
	MinimumLength                 int // 6 to 99; 0 means 8
	RequireUppercase              bool
	RequireLowercase              bool
	RequireNumbers                bool
	RequireSymbols                bool
	PasswordHistorySize           int `json:",omitempty"` // 0 to 24
	TemporaryPasswordValidityDays int // 0 to 365; 0 means 7
}

// SignInPolicy says how a sign-in may begin. Only PASSWORD is emulated.
type SignInPolicy struct {
	AllowedFirstAuthFactors []string `json:",omitempty"`
}

// LambdaConfig names functions that Cognito calls. None is emulated: every member is refused.
type LambdaConfig struct {
	PreSignUp                   string         `json:",omitempty"`
	CustomMessage               string         `json:",omitempty"`
	PostConfirmation            string         `json:",omitempty"`
	PreAuthentication           string         `json:",omitempty"`
	PostAuthentication          string         `json:",omitempty"`
	DefineAuthChallenge         string         `json:",omitempty"`
	CreateAuthChallenge         string         `json:",omitempty"`
	VerifyAuthChallengeResponse string         `json:",omitempty"`
	PreTokenGeneration          string         `json:",omitempty"`
	UserMigration               string         `json:",omitempty"`
	PreTokenGenerationConfig    *LambdaVersion `json:",omitempty"`
	CustomSMSSender             *LambdaVersion `json:",omitempty"`
	CustomEmailSender           *LambdaVersion `json:",omitempty"`
	KMSKeyID                    string         `json:",omitempty"`
}

// LambdaVersion names a function and the form of its events.
type LambdaVersion struct{ LambdaVersion, LambdaArn string }

// SchemaAttribute is an attribute that users have.
// https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_SchemaAttributeType.html
type SchemaAttribute struct {
	Name                       string
	AttributeDataType          string // String, Number, DateTime or Boolean
	DeveloperOnlyAttribute     bool
	Mutable                    *bool `json:",omitempty"` // nil means true
	Required                   bool
	NumberAttributeConstraints *NumberAttributeConstraints `json:",omitempty"`
	StringAttributeConstraints *StringAttributeConstraints `json:",omitempty"`
}

func (a *SchemaAttribute) mutable() bool { return a.Mutable == nil || *a.Mutable }

// NumberAttributeConstraints are a number's bounds, as decimal text.
type NumberAttributeConstraints struct {
	MinValue string `json:",omitempty"`
	MaxValue string `json:",omitempty"`
}

// StringAttributeConstraints are a text's bounds in characters, as decimal text.
type StringAttributeConstraints struct {
	MinLength string `json:",omitempty"`
	MaxLength string `json:",omitempty"`
}

// VerificationMessageTemplate is kept; verification messages are not emulated.
type VerificationMessageTemplate struct {
	SmsMessage         string `json:",omitempty"`
	EmailMessage       string `json:",omitempty"`
	EmailSubject       string `json:",omitempty"`
	EmailMessageByLink string `json:",omitempty"`
	EmailSubjectByLink string `json:",omitempty"`
	DefaultEmailOption string `json:",omitempty"` // CONFIRM_WITH_CODE or CONFIRM_WITH_LINK
}

// UserAttributeUpdateSettings is kept; users do not change their own attributes here.
type UserAttributeUpdateSettings struct {
	AttributesRequireVerificationBeforeUpdate []string
}

// EmailConfiguration says from where mail comes; no mail leaves the embedded AWS, so it does not look whether the identity is
// verified.
type EmailConfiguration struct {
	SourceArn           string `json:",omitempty"` // of an Amazon SES identity; DEVELOPER needs it
	ReplyToEmailAddress string `json:",omitempty"`
	EmailSendingAccount string `json:",omitempty"` // COGNITO_DEFAULT, which sends 50 a day, or DEVELOPER: by the SES of the account
	From                string `json:",omitempty"`
	ConfigurationSet    string `json:",omitempty"`
}

// AdminCreateUserConfig says how administrators create users.
type AdminCreateUserConfig struct {
	AllowAdminCreateUserOnly  bool
	UnusedAccountValidityDays int                    `json:",omitempty"` // superseded by PasswordPolicy.TemporaryPasswordValidityDays
	InviteMessageTemplate     *InviteMessageTemplate `json:",omitempty"`
}

// InviteMessageTemplate is the text of invitations, with {username} and {####} for the temporary password.
type InviteMessageTemplate struct {
	SMSMessage   string `json:",omitempty"`
	EmailMessage string `json:",omitempty"`
	EmailSubject string `json:",omitempty"`
}

// UserPoolAddOns is threat protection; only OFF is emulated.
type UserPoolAddOns struct {
	AdvancedSecurityMode            string
	AdvancedSecurityAdditionalFlows *AdvancedSecurityAdditionalFlows `json:",omitempty"`
}

// AdvancedSecurityAdditionalFlows is threat protection of custom authentication, which is not emulated.
type AdvancedSecurityAdditionalFlows struct {
	CustomAuthMode string `json:",omitempty"`
}

// UsernameConfiguration says whether capitals matter in user names; without it they do.
type UsernameConfiguration struct{ CaseSensitive bool }

// AccountRecoverySetting is kept; recovery by the user is not emulated.
type AccountRecoverySetting struct{ RecoveryMechanisms []RecoveryOption }

// RecoveryOption is one way to recover an account.
type RecoveryOption struct {
	Priority int
	Name     string // verified_email, verified_phone_number or admin_only
}

// DeviceConfiguration is refused: devices are not remembered.
type DeviceConfiguration struct {
	ChallengeRequiredOnNewDevice     bool
	DeviceOnlyRememberedOnUserPrompt bool
}

// SmsConfiguration is refused: there is no SNS.
type SmsConfiguration struct {
	SnsCallerArn string
	ExternalId   string `json:",omitempty"`
	SnsRegion    string `json:",omitempty"`
}

// Settings are what CreateUserPool and UpdateUserPool have in common.
type Settings struct {
	Policies                    *Policies                    `json:",omitempty"`
	DeletionProtection          string                       `json:",omitempty"`
	LambdaConfig                *LambdaConfig                `json:",omitempty"`
	AutoVerifiedAttributes      []string                     `json:",omitempty"`
	SmsVerificationMessage      string                       `json:",omitempty"`
	EmailVerificationMessage    string                       `json:",omitempty"`
	EmailVerificationSubject    string                       `json:",omitempty"`
	VerificationMessageTemplate *VerificationMessageTemplate `json:",omitempty"`
	SmsAuthenticationMessage    string                       `json:",omitempty"`
	MfaConfiguration            string                       `json:",omitempty"`
	UserAttributeUpdateSettings *UserAttributeUpdateSettings `json:",omitempty"`
	DeviceConfiguration         *DeviceConfiguration         `json:",omitempty"`
	EmailConfiguration          *EmailConfiguration          `json:",omitempty"`
	SmsConfiguration            *SmsConfiguration            `json:",omitempty"`
	UserPoolTags                map[string]string            `json:",omitempty"`
	AdminCreateUserConfig       *AdminCreateUserConfig       `json:",omitempty"`
	UserPoolAddOns              *UserPoolAddOns              `json:",omitempty"`
	AccountRecoverySetting      *AccountRecoverySetting      `json:",omitempty"`
	UserPoolTier                string                       `json:",omitempty"`
	PoolName                    string                       `json:",omitempty"`
}

// CreateUserPoolInput is the request of CreateUserPool.
// https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_CreateUserPool.html
type CreateUserPoolInput struct {
	Settings
	AliasAttributes       []string               `json:",omitempty"`
	UsernameAttributes    []string               `json:",omitempty"`
	Schema                []SchemaAttribute      `json:",omitempty"`
	UsernameConfiguration *UsernameConfiguration `json:",omitempty"`
}

// UserPoolOutput is the response of CreateUserPool and DescribeUserPool.
type UserPoolOutput struct{ UserPool UserPool }

// PoolInput is the request of operations that need a pool only.
type PoolInput struct{ UserPoolId string }

func (in *PoolInput) pool() string { return in.UserPoolId }

// UpdateUserPoolInput is the request of UpdateUserPool. As on AWS, a member that is left out is set to its default, but for
// the name, the tags, the tier, deletion protection and UserAttributeUpdateSettings.
type UpdateUserPoolInput struct {
	PoolInput
	Settings
}

// ListUserPoolsInput is the request of ListUserPools.
type ListUserPoolsInput struct {
	MaxResults int    // 1 to 60
	NextToken  string `json:",omitempty"`
}

// UserPoolDescription is a pool in a list.
type UserPoolDescription struct {
	Id               string
	Name             string
	LambdaConfig     LambdaConfig
	LastModifiedDate dispatch.Time
	CreationDate     dispatch.Time
}

// ListUserPoolsOutput is the response of ListUserPools.
type ListUserPoolsOutput struct {
	UserPools []UserPoolDescription
	NextToken string `json:",omitempty"`
}

// AddCustomAttributesInput is the request of AddCustomAttributes.
type AddCustomAttributesInput struct {
	PoolInput
	CustomAttributes []SchemaAttribute
}

// SoftwareTokenMfaConfig switches one-time passwords of authenticator apps on.
type SoftwareTokenMfaConfig struct{ Enabled bool }

// SmsMfaConfig is refused: there is no SNS.
type SmsMfaConfig struct {
	SmsAuthenticationMessage string            `json:",omitempty"`
	SmsConfiguration         *SmsConfiguration `json:",omitempty"`
}

// EmailMfaConfig is refused: codes by mail are not emulated.
type EmailMfaConfig struct {
	Message string `json:",omitempty"`
	Subject string `json:",omitempty"`
}

// WebAuthnConfiguration is refused: passkeys are not emulated.
type WebAuthnConfiguration struct {
	RelyingPartyId   string `json:",omitempty"`
	UserVerification string `json:",omitempty"`
}

// MfaConfig is what is known of a pool's second factors.
type MfaConfig struct {
	SmsMfaConfiguration           *SmsMfaConfig           `json:",omitempty"`
	SoftwareTokenMfaConfiguration *SoftwareTokenMfaConfig `json:",omitempty"`
	EmailMfaConfiguration         *EmailMfaConfig         `json:",omitempty"`
	MfaConfiguration              string                  `json:",omitempty"`
	WebAuthnConfiguration         *WebAuthnConfiguration  `json:",omitempty"`
}

// SetUserPoolMfaConfigInput is the request of SetUserPoolMfaConfig.
type SetUserPoolMfaConfigInput struct {
	PoolInput
	MfaConfig
}

// TagResourceInput is the request of TagResource.
type TagResourceInput struct {
	ResourceArn string
	Tags        map[string]string
}

// UntagResourceInput is the request of UntagResource.
type UntagResourceInput struct {
	ResourceArn string
	TagKeys     []string
}

// ResourceInput is the request of ListTagsForResource.
type ResourceInput struct{ ResourceArn string }

// ListTagsForResourceOutput is the response of ListTagsForResource.
type ListTagsForResourceOutput struct{ Tags map[string]string }

// Empty is the response of operations that answer nothing.
type Empty struct{}
