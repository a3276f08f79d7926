package cognitoidp

import "github.com/carepath/carepath/localcloud/dispatch"

// The structures here do not embed others, because state machines fill them member by member.

// Attribute is a user's attribute.
type Attribute struct {
	Name  string
	Value string
}

// User describes a user, with the attributes sub first and then in the order in which they were given.
// https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_UserType.html
type User struct {
	Username             string
	Attributes           []Attribute
	UserCreateDate       dispatch.Time
	UserLastModifiedDate dispatch.Time
	Enabled              bool
	UserStatus           string // FORCE_CHANGE_PASSWORD or CONFIRMED
}

// AdminCreateUserInput is the request of AdminCreateUser.
// https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_AdminCreateUser.html
type AdminCreateUserInput struct {
	UserPoolId             string
	Username               string
	UserAttributes         []Attribute       `json:",omitempty"`
	ValidationData         []Attribute       `json:",omitempty"` // for a function that is not emulated
	TemporaryPassword      string            `json:",omitempty"` // empty: one is made up
	ForceAliasCreation     bool              `json:",omitempty"`
	MessageAction          string            `json:",omitempty"` // RESEND or SUPPRESS
	DesiredDeliveryMediums []string          `json:",omitempty"` // SMS, EMAIL; empty means SMS
	ClientMetadata         map[string]string `json:",omitempty"` // for a function that is not emulated
}

// AdminCreateUserOutput is the response of AdminCreateUser.
type AdminCreateUserOutput struct{ User User }

// UserInput is the request of operations that need a user only: by user name, verified alias or sub.
type UserInput struct {
	UserPoolId string
	Username   string
}

// AdminGetUserOutput is the response of AdminGetUser.
type AdminGetUserOutput struct {
	Username             string
	UserAttributes       []Attribute
	UserCreateDate       dispatch.Time
	UserLastModifiedDate dispatch.Time
	Enabled              bool
	UserStatus           string
	PreferredMfaSetting  string   `json:",omitempty"`
	UserMFASettingList   []string `json:",omitempty"`
}

// AdminSetUserPasswordInput is the request of AdminSetUserPassword.
type AdminSetUserPasswordInput struct {
	UserPoolId string
	Username   string
	Password   string
	Permanent  bool `json:",omitempty"` // false: the user must change it at the next sign-in
}

// AdminUpdateUserAttributesInput is the request of AdminUpdateUserAttributes. An attribute with an empty value is deleted.
type AdminUpdateUserAttributesInput struct {
	UserPoolId     string
	Username       string
	UserAttributes []Attribute
	ClientMetadata map[string]string `json:",omitempty"`
}

// AdminDeleteUserAttributesInput is the request of AdminDeleteUserAttributes.
type AdminDeleteUserAttributesInput struct {
	UserPoolId         string
	Username           string
	UserAttributeNames []string
}

// ListUsersInput is the request of ListUsers.
// https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_ListUsers.html
type ListUsersInput struct {
	UserPoolId      string
	AttributesToGet []string `json:",omitempty"`
	Limit           *int     `json:",omitempty"` // 0 to 60; nil and 0 mean 60
	PaginationToken string   `json:",omitempty"`
	Filter          string   `json:",omitempty"` // attribute = "value" or attribute ^= "value"
}

// ListUsersOutput is the response of ListUsers.
type ListUsersOutput struct {
	Users           []User
	PaginationToken string `json:",omitempty"`
}

// ContextData is accepted: threat protection is not emulated.
type ContextData struct {
	IpAddress   string
	ServerName  string
	ServerPath  string
	HttpHeaders []HttpHeader
	EncodedData string `json:",omitempty"`
}

// HttpHeader is a header of the user's request.
type HttpHeader struct {
	HeaderName  string `json:"headerName"`
	HeaderValue string `json:"headerValue"`
}

// UserContextData is accepted: threat protection is not emulated.
type UserContextData struct {
	IpAddress   string `json:",omitempty"`
	EncodedData string `json:",omitempty"`
}

// AnalyticsMetadata is accepted: there is no Pinpoint.
type AnalyticsMetadata struct {
	AnalyticsEndpointId string `json:",omitempty"`
}

// AdminInitiateAuthInput is the request of AdminInitiateAuth.
// https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_AdminInitiateAuth.html
type AdminInitiateAuthInput struct {
	UserPoolId        string
	ClientId          string
	AuthFlow          string             // ADMIN_USER_PASSWORD_AUTH (or ADMIN_NO_SRP_AUTH) or REFRESH_TOKEN_AUTH (or REFRESH_TOKEN)
	AuthParameters    map[string]string  `json:",omitempty"` // USERNAME, PASSWORD, REFRESH_TOKEN, SECRET_HASH
	ClientMetadata    map[string]string  `json:",omitempty"`
	AnalyticsMetadata *AnalyticsMetadata `json:",omitempty"`
	ContextData       *ContextData       `json:",omitempty"`
}

// InitiateAuthInput is the request of InitiateAuth.
// https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_InitiateAuth.html
type InitiateAuthInput struct {
	ClientId          string
	AuthFlow          string             // USER_PASSWORD_AUTH or REFRESH_TOKEN_AUTH (or REFRESH_TOKEN)
	AuthParameters    map[string]string  `json:",omitempty"`
	ClientMetadata    map[string]string  `json:",omitempty"`
	AnalyticsMetadata *AnalyticsMetadata `json:",omitempty"`
	UserContextData   *UserContextData   `json:",omitempty"`
}

// AdminRespondToAuthChallengeInput is the request of AdminRespondToAuthChallenge.
type AdminRespondToAuthChallengeInput struct {
	UserPoolId         string
	ClientId           string
	ChallengeName      string
	ChallengeResponses map[string]string  `json:",omitempty"`
	Session            string             `json:",omitempty"`
	ClientMetadata     map[string]string  `json:",omitempty"`
	AnalyticsMetadata  *AnalyticsMetadata `json:",omitempty"`
	ContextData        *ContextData       `json:",omitempty"`
}

// RespondToAuthChallengeInput is the request of RespondToAuthChallenge.
type RespondToAuthChallengeInput struct {
	ClientId           string
	ChallengeName      string
	ChallengeResponses map[string]string  `json:",omitempty"`
	Session            string             `json:",omitempty"`
	ClientMetadata     map[string]string  `json:",omitempty"`
	AnalyticsMetadata  *AnalyticsMetadata `json:",omitempty"`
	UserContextData    *UserContextData   `json:",omitempty"`
}

// AuthOutput is the response of the operations that sign users in: a challenge, or tokens.
type AuthOutput struct {
	ChallengeName        string                `json:",omitempty"`
	Session              string                `json:",omitempty"`
	ChallengeParameters  map[string]string     // empty with tokens
	AuthenticationResult *AuthenticationResult `json:",omitempty"`
}

// AuthenticationResult are the tokens of a signed-in user.
type AuthenticationResult struct {
	AccessToken  string
	ExpiresIn    int // of the access token, in seconds
	TokenType    string
	RefreshToken string `json:",omitempty"`
	IdToken      string
}

// AccessTokenInput is the request of operations that a signed-in user makes.
type AccessTokenInput struct{ AccessToken string }

// GetUserOutput is the response of GetUser.
type GetUserOutput struct {
	Username            string
	UserAttributes      []Attribute
	PreferredMfaSetting string   `json:",omitempty"`
	UserMFASettingList  []string `json:",omitempty"`
}

// ChangePasswordInput is the request of ChangePassword.
type ChangePasswordInput struct {
	PreviousPassword string
	ProposedPassword string
	AccessToken      string
}

// AssociateSoftwareTokenInput is the request of AssociateSoftwareToken: by an access token, or by the session of an MFA_SETUP
// challenge.
type AssociateSoftwareTokenInput struct {
	AccessToken string `json:",omitempty"`
	Session     string `json:",omitempty"`
}

// AssociateSoftwareTokenOutput is the response of AssociateSoftwareToken.
type AssociateSoftwareTokenOutput struct {
	SecretCode string // of RFC 6238's one-time passwords, in base32
	Session    string `json:",omitempty"`
}

// VerifySoftwareTokenInput is the request of VerifySoftwareToken.
type VerifySoftwareTokenInput struct {
	AccessToken        string `json:",omitempty"`
	Session            string `json:",omitempty"`
	UserCode           string // six digits
	FriendlyDeviceName string `json:",omitempty"`
}

// VerifySoftwareTokenOutput is the response of VerifySoftwareToken.
type VerifySoftwareTokenOutput struct {
	Status  string // SUCCESS
	Session string `json:",omitempty"`
}

// SoftwareTokenMfaSettings say whether a user signs in with one-time passwords.
type SoftwareTokenMfaSettings struct {
	Enabled      bool `json:",omitempty"`
	PreferredMfa bool `json:",omitempty"`
}

// SetUserMFAPreferenceInput is the request of SetUserMFAPreference.
type SetUserMFAPreferenceInput struct {
	SoftwareTokenMfaSettings *SoftwareTokenMfaSettings `json:",omitempty"`
	AccessToken              string
}

// AdminSetUserMFAPreferenceInput is the request of AdminSetUserMFAPreference.
type AdminSetUserMFAPreferenceInput struct {
	SoftwareTokenMfaSettings *SoftwareTokenMfaSettings `json:",omitempty"`
	Username                 string
	UserPoolId               string
}

func (in *AdminCreateUserInput) pool() string             { return in.UserPoolId }
func (in *UserInput) pool() string                        { return in.UserPoolId }
func (in *AdminSetUserPasswordInput) pool() string        { return in.UserPoolId }
func (in *AdminUpdateUserAttributesInput) pool() string   { return in.UserPoolId }
func (in *AdminDeleteUserAttributesInput) pool() string   { return in.UserPoolId }
func (in *ListUsersInput) pool() string                   { return in.UserPoolId }
func (in *AdminInitiateAuthInput) pool() string           { return in.UserPoolId }
func (in *AdminRespondToAuthChallengeInput) pool() string { return in.UserPoolId }
func (in *AdminSetUserMFAPreferenceInput) pool() string   { return in.UserPoolId }
