package provider

import (
	"context"
	"fmt"
	"strings"
)

func userPoolClientType() *resourceType {
	const noOAuth = "there are no OAuth endpoints"
	return &resourceType{
		token: "aws:cognito/userPoolClient:UserPoolClient",
		properties: []*property{
			integer("accessTokenValidity").orChosen(),
			set("allowedOauthFlows", text("").oneOf("code", "implicit", "client_credentials")).refused(noOAuth),
			boolean("allowedOauthFlowsUserPoolClient").onlyAs(false, noOAuth),
			set("allowedOauthScopes", text("")).refused(noOAuth),
			object("analyticsConfiguration", text("applicationArn"), text("applicationId"), text("externalId"), text("roleArn"), boolean("userDataShared")).refused("there is no Pinpoint"),
			integer("authSessionValidity").orChosen().between(3, 15),
			set("callbackUrls", text("").length(1, 1024)).orChosen().length(0, 100),
			text("clientSecret").output(),
			text("defaultRedirectUri").orChosen().length(1, 1024),
			boolean("enablePropagateAdditionalUserContextData").orChosen(), boolean("enableTokenRevocation").orChosen(),
			set("explicitAuthFlows", text("").oneOf("ADMIN_NO_SRP_AUTH", "CUSTOM_AUTH_FLOW_ONLY", "USER_PASSWORD_AUTH", "ALLOW_ADMIN_USER_PASSWORD_AUTH", "ALLOW_CUSTOM_AUTH",
				"ALLOW_USER_PASSWORD_AUTH", "ALLOW_USER_SRP_AUTH", "ALLOW_REFRESH_TOKEN_AUTH", "ALLOW_USER_AUTH")).orChosen(),
			boolean("generateSecret").kept().replaces(),
			integer("idTokenValidity").orChosen(),
			set("logoutUrls", text("").length(1, 1024)).orChosen().length(0, 100),
			text("name").orChosen().length(1, 128).matching(`^[\w\s+=,.@-]+$`, `must satisfy regular expression pattern: [\w\s+=,.@-]+`),
			text("preventUserExistenceErrors").orChosen().oneOf("LEGACY", "ENABLED"),
			set("readAttributes", text("")).orChosen(),
			object("refreshTokenRotation", text("feature").needed().onlyAs("DISABLED", "refresh tokens are not rotated"), integer("retryGracePeriodSeconds").between(0, 60)),
			integer("refreshTokenValidity").orChosen().between(0, 315360000),
			set("supportedIdentityProviders", text("").length(1, 32)).orChosen(),
			object("tokenValidityUnits", text("accessToken").orChosen().oneOf("seconds", "minutes", "hours", "days"), text("idToken").orChosen().oneOf("seconds", "minutes", "hours", "days"),
				text("refreshToken").orChosen().oneOf("seconds", "minutes", "hours", "days")).orChosen(),
			text("userPoolId").needed().replaces(),
			set("writeAttributes", text("")).orChosen(),
		},
		naming: &naming{property: "name", maxLength: 128},
		create: func(ctx context.Context, c *call, in props) (string, error) {
			req := clientSettings(in)
			in.copied(req, "generateSecret", "GenerateSecret")
			out, err := c.do(ctx, "cognito-idp", "CreateUserPoolClient", req)
			if err != nil {
				return "", err
			}
			return out.object("UserPoolClient").text("ClientId"), nil
		},
		read: readUserPoolClient,
		update: func(ctx context.Context, c *call, ch *change) error {
			req := clientSettings(ch.wanted)
			req["ClientId"] = clientID(ch.id)
			_, err := c.do(ctx, "cognito-idp", "UpdateUserPoolClient", req)
			return err
		},
		remove: func(ctx context.Context, c *call, id string, state props) error {
			_, err := c.do(ctx, "cognito-idp", "DeleteUserPoolClient", props{"UserPoolId": state["userPoolId"], "ClientId": clientID(id)})
			return err
		},
	}
}

// clientID is a client's id, of a resource that was created or imported: imports name <user pool id>/<client id>.
func clientID(id string) string { return id[strings.LastIndexByte(id, '/')+1:] }

func clientSettings(in props) props {
	req := in.copied(props{"UserPoolId": in["userPoolId"]}, clientMembers...)
	if u := in.object("tokenValidityUnits"); u != nil {
		req["TokenValidityUnits"] = u.copied(props{}, unitMembers...)
	}
	if r := in.object("refreshTokenRotation"); r != nil {
		req["RefreshTokenRotation"] = r.copied(props{}, "feature", "Feature", "retryGracePeriodSeconds", "RetryGracePeriodSeconds")
	}
	return req
}

func readUserPoolClient(ctx context.Context, c *call, id string, state props) (props, error) {
	pool := state.text("userPoolId")
	if pool == "" {
		var ok bool
		if pool, _, ok = strings.Cut(id, "/"); !ok {
			return nil, fmt.Errorf("%q does not name a client: <user pool id>/<client id>", id)
		}
	}
	out, err := c.do(ctx, "cognito-idp", "DescribeUserPoolClient", props{"UserPoolId": pool, "ClientId": clientID(id)})
	if err != nil {
		return nil, err
	}
	client := out.object("UserPoolClient")
	live := client.read(clientMembers)
	live["userPoolId"], live["clientSecret"] = pool, client.text("ClientSecret")
	for _, name := range []string{"enablePropagateAdditionalUserContextData", "enableTokenRevocation"} {
		live[name] = client.boolean(strings.ToUpper(name[:1]) + name[1:])
	}
	if u := client.object("TokenValidityUnits").read(unitMembers); len(u) > 0 {
		live["tokenValidityUnits"] = u
	}
	if r := client.object("RefreshTokenRotation"); r != nil {
		live["refreshTokenRotation"] = r.read([]string{"feature", "Feature", "retryGracePeriodSeconds", "RetryGracePeriodSeconds"})
	}
	return live, nil
}
