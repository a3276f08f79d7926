package policies

import (
	"encoding/json"
	"strings"

	"github.com/carepath/carepath/deploy/graph"
)

const provider = "pulumi:providers:aws"

// providerInput is an input of a provider: objects and lists are JSON text there.
func providerInput(r *graph.Resource, path string, to any) bool {
	v, ok := r.Value(path)
	if !ok {
		return false
	}
	if v.IsString() {
		return json.Unmarshal([]byte(v.StringValue()), to) == nil
	}
	text, err := json.Marshal(r.Plain()[path])
	return err == nil && json.Unmarshal(text, to) == nil
}

var ownership = []Rule{
	{
		ID: "CPK-OWN-001", Title: "Every resource says whose it is", Mend: "make it with the stack's provider, whose default tags are project, stack and environment",
		Reason:   "What is not tagged nobody pays for, nobody finds after a destroy, and nobody dares delete.",
		Controls: []string{"HIPAA §164.310(d)(2)(iii)"},
		check: func(c *check) {
			c.each(func(r *graph.Resource) {
				var tags struct{ Tags map[string]string }
				providerInput(r, "defaultTags", &tags)
				for _, name := range []string{"project", "stack", "environment"} {
					if tags.Tags[name] == "" {
						c.found(r, "its default tags have no %s", name)
					}
				}
			}, provider)
		},
	},
	{
		ID: "CPK-OWN-002", Title: "Nothing lands in another account", Mend: "make it with the stack's provider, which allows carepath:accountId alone",
		Reason:   "Credentials of another account in a shell must not deploy the stack there.",
		Controls: []string{hipaaAccess},
		check: func(c *check) {
			c.each(func(r *graph.Resource) {
				var accounts []string
				if !providerInput(r, "allowedAccountIds", &accounts) || len(accounts) != 1 || accounts[0] != c.AccountID {
					c.found(r, "it does not allow the account %s alone", c.AccountID)
				}
			}, provider)
			for _, r := range c.Resources {
				if strings.HasPrefix(r.Type, "aws:") && r.Provider == "" {
					c.found(r, "it is made by the default provider, which takes any account")
				}
			}
		},
	},
}
