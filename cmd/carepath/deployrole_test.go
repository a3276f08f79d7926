package main

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/carepath/carepath/components/cioidc"
	"github.com/carepath/carepath/lang/iampolicy"
	"github.com/carepath/carepath/localcloud"
	"github.com/carepath/carepath/localcloud/dispatch"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// rolePolicies are the documents of the policies that a program makes.
type rolePolicies struct {
	mu        sync.Mutex
	documents []*iampolicy.Policy
	boundary  string // its ARN
}

func (r *rolePolicies) Call(pulumi.MockCallArgs) (resource.PropertyMap, error) { return nil, nil }

func (r *rolePolicies) NewResource(args pulumi.MockResourceArgs) (string, resource.PropertyMap, error) {
	out := args.Inputs.Copy()
	out["name"], out["arn"] = resource.NewProperty(args.Name), resource.NewProperty(r.boundary)
	if args.TypeToken != "aws:iam/rolePolicy:RolePolicy" {
		return args.Name, out, nil
	}
	p, err := iampolicy.Parse([]byte(args.Inputs["policy"].StringValue()))
	r.mu.Lock()
	defer r.mu.Unlock()
	r.documents = append(r.documents, p)
	return args.Name, out, err
}

func (r *rolePolicies) allow(q *iampolicy.Request) bool {
	decision := iampolicy.NoMatch
	for _, p := range r.documents {
		decision = max(decision, p.Evaluate(q))
	}
	return decision == iampolicy.Allow
}

// testDeployRole checks every call that deploying has made against the policies of the role that a workflow deploys with.
func (l *local) testDeployRole(t *testing.T) {
	role := &rolePolicies{boundary: "arn:aws:iam::000000000000:policy/carepath-ci/boundary"}
	err := pulumi.RunErr(func(ctx *pulumi.Context) error {
		_, err := cioidc.NewGitHub(ctx, "github", &cioidc.GitHubArgs{
			Repository: "acme/care", AccountID: "000000000000", Region: "us-east-1",
			StateBucketARN: pulumi.String("arn:aws:s3:::states"), StateKeyARN: pulumi.String("arn:aws:kms:us-east-1:000000000000:key/states"),
			Roles: []cioidc.Role{{Name: "deploy", Access: cioidc.Deploy, Stacks: []string{"local"}, Subjects: []cioidc.Subject{cioidc.Environment("local")}}},
		})
		return err
	}, pulumi.WithMocks("p", "s", role))
	if err != nil {
		t.Fatal(err)
	}
	carepath(t, exitDone, "drift", "--json")
	response, err := http.Get("http://127.0.0.1:" + l.port + "/_carepath/journal")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	var journal localcloud.Journal
	if err := json.NewDecoder(response.Body).Decode(&journal); err != nil {
		t.Fatal(err)
	}
	checked, denied := 0, map[string]bool{}
	for _, e := range journal.Entries {
		if e.RoleARN != "" || !strings.HasSuffix(e.Principal, ":root") || e.ErrorCode != "" {
			continue
		}
		checked++
		for _, arn := range append(e.Resources, "*")[:max(len(e.Resources), 1)] {
			q := &iampolicy.Request{Action: permission(e), Resource: arn, Keys: []iampolicy.Key{
				{Name: "aws:RequestedRegion", Value: "us-east-1"}, {Name: "iam:PermissionsBoundary", Value: role.boundary},
			}}
			if e.Service == "kms" && slices.Contains([]string{"Decrypt", "Encrypt", "GenerateDataKey"}, e.Action) { // Pulumi never does: the services do, as who calls them
				q.Keys = append(q.Keys, iampolicy.Key{Name: "kms:ViaService", Value: "sqs.us-east-1.amazonaws.com"})
			}
			if !role.allow(q) && !denied[q.Action] {
				denied[q.Action] = true
				t.Errorf("the role may not %s on %s", q.Action, arn)
			}
		}
	}
	if checked < 100 {
		t.Errorf("%d calls", checked)
	}
}

// permission is the action that AWS wants for a call.
func permission(e dispatch.Entry) string {
	switch e.Service {
	case "apigateway":
	case "cloudcontrolapi":
		return "cloudformation:" + e.Action
	case "s3":
		if named, ok := map[string]string{"HeadBucket": "ListBucket", "PutBucketEncryption": "PutEncryptionConfiguration", "GetBucketEncryption": "GetEncryptionConfiguration",
			"PutPublicAccessBlock": "PutBucketPublicAccessBlock", "GetPublicAccessBlock": "GetBucketPublicAccessBlock"}[e.Action]; ok {
			return "s3:" + named
		}
		return "s3:" + e.Action
	default:
		return e.Service + ":" + e.Action
	}
	for verb, method := range map[string]string{"Get": "GET", "Create": "POST", "Import": "POST", "Tag": "PUT", "Put": "PUT", "Untag": "DELETE", "Update": "PATCH", "Delete": "DELETE"} {
		if strings.HasPrefix(e.Action, verb) {
			return "apigateway:" + method
		}
	}
	return "apigateway:" + e.Action
}
