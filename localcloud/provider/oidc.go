package provider

import (
	"context"
	"fmt"
	"strings"
)

// oidcProviderType is an identity provider that roles may be assumed through.
func oidcProviderType() *resourceType {
	return &resourceType{
		token: "aws:iam/openIdConnectProvider:OpenIdConnectProvider",
		properties: append(tagProperties(),
			text("arn").output(),
			set("clientIdLists", text("").length(1, 255)).needed(),
			list("thumbprintLists", text("").matching(`^[0-9A-Fa-f]{40}$`, "40 hexadecimal digits")).orChosen(),
			text("url").needed().replaces().matching(`^https://[^:?#]+$`, "https:// and a host, with a path or without").alike(func(a, b any) bool {
				return strings.TrimPrefix(fmt.Sprint(a), "https://") == strings.TrimPrefix(fmt.Sprint(b), "https://")
			}),
		),
		create: func(ctx context.Context, c *call, in props) (string, error) {
			req := in.copied(props{}, "url", "Url", "clientIdLists", "ClientIDList", "thumbprintLists", "ThumbprintList")
			if tags := tagList(in["tagsAll"], "Key", "Value"); len(tags) > 0 {
				req["Tags"] = tags
			}
			out, err := c.do(ctx, "iam", "CreateOpenIDConnectProvider", req)
			return out.text("OpenIDConnectProviderArn"), err
		},
		read: func(ctx context.Context, c *call, id string, _ props) (props, error) {
			out, err := c.do(ctx, "iam", "GetOpenIDConnectProvider", props{"OpenIDConnectProviderArn": id})
			if err != nil {
				return nil, err
			}
			return props{"arn": id, "url": out["Url"], "clientIdLists": asList(out.strings("ClientIDList")), "thumbprintLists": asList(out.strings("ThumbprintList")),
				"tagsAll": tagMap(out.objects("Tags"), "Key", "Value")}, nil
		},
		update: updateOIDCProvider,
		remove: func(ctx context.Context, c *call, id string, _ props) error {
			_, err := c.do(ctx, "iam", "DeleteOpenIDConnectProvider", props{"OpenIDConnectProviderArn": id})
			return err
		},
	}
}

func updateOIDCProvider(ctx context.Context, c *call, ch *change) error {
	what := props{"OpenIDConnectProviderArn": ch.id}
	if ch.of("thumbprintLists") {
		if _, err := c.do(ctx, "iam", "UpdateOpenIDConnectProviderThumbprint", props{"OpenIDConnectProviderArn": ch.id, "ThumbprintList": ch.wanted["thumbprintLists"]}); err != nil {
			return err
		}
	}
	added, removed := setDifference(text(""), ch.old.list("clientIdLists"), ch.wanted.list("clientIdLists"))
	for action, clients := range map[string][]string{
		"AddClientIDToOpenIDConnectProvider":      picked(ch.wanted.strings("clientIdLists"), added),
		"RemoveClientIDFromOpenIDConnectProvider": picked(ch.old.strings("clientIdLists"), removed),
	} {
		for _, client := range clients {
			if _, err := c.do(ctx, "iam", action, props{"OpenIDConnectProviderArn": ch.id, "ClientID": client}); err != nil {
				return err
			}
		}
	}
	return retag(ctx, c, ch, "OpenIDConnectProvider", what)
}
