package cognitoidp

import "github.com/carepath/carepath/localcloud/dispatch"

// ClientSettings are what CreateUserPoolClient, UpdateUserPoolClient and a client's description have in common.
// https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_UserPoolClientType.html
type ClientSettings struct {
	ClientName                               string                  `json:",omitempty"`
	RefreshTokenValidity                     int                     `json:",omitempty"` // in TokenValidityUnits; 0 means 30 days
	AccessTokenValidity                      int                     `json:",omitempty"` // 0 means an hour
	IdTokenValidity                          int                     `json:",omitempty"` // 0 means an hour
	TokenValidityUnits                       *TokenValidityUnits     `json:",omitempty"`
	ReadAttributes                           []string                `json:",omitempty"`
	WriteAttributes                          []string                `json:",omitempty"`
	ExplicitAuthFlows                        []string                `json:",omitempty"`
	SupportedIdentityProviders               []string                `json:",omitempty"` // COGNITO only
	CallbackURLs                             []string                `json:",omitempty"`
	LogoutURLs                               []string                `json:",omitempty"`
	DefaultRedirectURI                       string                  `json:",omitempty"`
	AllowedOAuthFlows                        []string                `json:",omitempty"`
	AllowedOAuthScopes                       []string                `json:",omitempty"`
	AllowedOAuthFlowsUserPoolClient          bool                    `json:",omitempty"`
	AnalyticsConfiguration                   *AnalyticsConfiguration `json:",omitempty"`
	PreventUserExistenceErrors               string                  `json:",omitempty"` // LEGACY or ENABLED
	EnableTokenRevocation                    *bool                   `json:",omitempty"` // nil means true
	EnablePropagateAdditionalUserContextData *bool                   `json:",omitempty"`
	AuthSessionValidity                      int                     `json:",omitempty"` // minutes, 3 to 15; 0 means 3
	RefreshTokenRotation                     *RefreshTokenRotation   `json:",omitempty"`
}

// TokenValidityUnits are seconds, minutes, hours or days. Without one, days for refresh tokens and hours for the others.
type TokenValidityUnits struct {
	AccessToken  string `json:",omitempty"`
	IdToken      string `json:",omitempty"`
	RefreshToken string `json:",omitempty"`
}

// AnalyticsConfiguration is refused: there is no Pinpoint.
type AnalyticsConfiguration struct {
	ApplicationId  string `json:",omitempty"`
	ApplicationArn string `json:",omitempty"`
	RoleArn        string `json:",omitempty"`
	ExternalId     string `json:",omitempty"`
	UserDataShared bool   `json:",omitempty"`
}

// RefreshTokenRotation is emulated as DISABLED only.
type RefreshTokenRotation struct {
	Feature                 string
	RetryGracePeriodSeconds int `json:",omitempty"`
}

// UserPoolClient describes an app client.
type UserPoolClient struct {
	UserPoolId       string
	ClientId         string
	ClientSecret     string `json:",omitempty"`
	LastModifiedDate dispatch.Time
	CreationDate     dispatch.Time
	ClientSettings
}

// CreateUserPoolClientInput is the request of CreateUserPoolClient.
type CreateUserPoolClientInput struct {
	PoolInput
	ClientSettings
	GenerateSecret bool `json:",omitempty"`
}

// UpdateUserPoolClientInput is the request of UpdateUserPoolClient. As on AWS, a member that is left out is set to its default,
// but for the name.
type UpdateUserPoolClientInput struct {
	ClientInput
	ClientSettings
}

// ClientInput is the request of operations that need a client only.
type ClientInput struct {
	PoolInput
	ClientId string
}

// UserPoolClientOutput is the response of operations that answer a client.
type UserPoolClientOutput struct{ UserPoolClient UserPoolClient }

// ListUserPoolClientsInput is the request of ListUserPoolClients.
type ListUserPoolClientsInput struct {
	PoolInput
	MaxResults int    `json:",omitempty"` // 1 to 60; 0 means 60
	NextToken  string `json:",omitempty"`
}

// UserPoolClientDescription is a client in a list.
type UserPoolClientDescription struct{ ClientId, UserPoolId, ClientName string }

// ListUserPoolClientsOutput is the response of ListUserPoolClients.
type ListUserPoolClientsOutput struct {
	UserPoolClients []UserPoolClientDescription
	NextToken       string `json:",omitempty"`
}
