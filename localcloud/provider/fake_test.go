package provider

import (
	"context"
	"maps"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/carepath/carepath/localcloud/clock"
	"github.com/carepath/carepath/localcloud/dispatch"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
)

type members = map[string]any

// fake is as much of SQS, IAM and STS as the tests of the provider need.
type fake struct {
	d  *dispatch.Dispatcher
	mu sync.Mutex
	// queues are attributes by URL; tags too; roles are the answers of GetRole by name.
	queues, tags, roles map[string]members
	calls               []string
	fail                map[string]error // by action
}

const fakeAccount = "000000000000"

func newFake() *fake {
	f := &fake{
		d:      dispatch.New(clock.NewDriven(time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)), fakeAccount, "us-east-1"),
		queues: map[string]members{}, tags: map[string]members{}, roles: map[string]members{}, fail: map[string]error{},
	}
	const noQueue = "AWS.SimpleQueueService.NonExistentQueue"
	onQueue := func(do func(url string, in members) members) func(members) (members, error) {
		return func(in members) (members, error) {
			url := in["QueueUrl"].(string)
			if f.queues[url] == nil {
				return nil, dispatch.Errorf(noQueue, "The specified queue does not exist.")
			}
			return do(url, in), nil
		}
	}
	f.on("sqs", "CreateQueue", func(in members) (members, error) {
		name := in["QueueName"].(string)
		url := "http://localhost:4566/" + fakeAccount + "/" + name
		if f.queues[url] != nil {
			return nil, dispatch.Errorf("QueueNameExists", "A queue already exists with the same name and a different value for attribute")
		}
		attributes := members{"QueueArn": f.d.ARN("sqs", name), "DelaySeconds": "0", "MaximumMessageSize": "262144", "MessageRetentionPeriod": "345600",
			"ReceiveMessageWaitTimeSeconds": "0", "VisibilityTimeout": "30", "SqsManagedSseEnabled": "true"}
		maps.Copy(attributes, asObject(in["Attributes"]))
		f.queues[url], f.tags[url] = attributes, asObject(in["tags"])
		return members{"QueueUrl": url}, nil
	})
	f.on("sqs", "GetQueueAttributes", onQueue(func(url string, in members) members { return members{"Attributes": f.queues[url]} }))
	f.on("sqs", "SetQueueAttributes", onQueue(func(url string, in members) members {
		for k, v := range asObject(in["Attributes"]) {
			if f.queues[url][k] = v; v == "" {
				delete(f.queues[url], k)
			}
		}
		return members{}
	}))
	f.on("sqs", "ListQueueTags", onQueue(func(url string, in members) members { return members{"Tags": f.tags[url]} }))
	f.on("sqs", "TagQueue", onQueue(func(url string, in members) members {
		if f.tags[url] == nil {
			f.tags[url] = members{}
		}
		maps.Copy(f.tags[url], asObject(in["Tags"]))
		return members{}
	}))
	f.on("sqs", "UntagQueue", onQueue(func(url string, in members) members {
		for _, k := range asStrings(in["TagKeys"]) {
			delete(f.tags[url], k)
		}
		return members{}
	}))
	f.on("sqs", "DeleteQueue", onQueue(func(url string, in members) members { delete(f.queues, url); return members{} }))
	f.on("iam", "CreateRole", func(in members) (members, error) {
		name := in["RoleName"].(string)
		in["Arn"], in["RoleId"], in["CreateDate"] = "arn:aws:iam::"+fakeAccount+":role/"+name, "AROA0000000000000000", 1767323045.5
		f.roles[name] = in
		return members{"Role": in}, nil
	})
	onRole := func(do func(role, in members) members) func(members) (members, error) {
		return func(in members) (members, error) {
			role := f.roles[in["RoleName"].(string)]
			if role == nil {
				return nil, dispatch.Errorf("NoSuchEntity", "The role with name %v cannot be found.", in["RoleName"])
			}
			return do(role, in), nil
		}
	}
	f.on("iam", "GetRole", onRole(func(role, in members) members { return members{"Role": role} }))
	f.on("iam", "UpdateAssumeRolePolicy", onRole(func(role, in members) members {
		role["AssumeRolePolicyDocument"] = in["PolicyDocument"]
		return members{}
	}))
	f.on("iam", "UpdateRole", onRole(func(role, in members) members {
		role["Description"], role["MaxSessionDuration"] = in["Description"], in["MaxSessionDuration"]
		return members{}
	}))
	f.on("iam", "PutRolePolicy", onRole(func(role, in members) members { return members{} }))
	f.on("iam", "DeleteRole", onRole(func(role, in members) members { delete(f.roles, role["RoleName"].(string)); return members{} }))
	f.on("sts", "GetCallerIdentity", func(members) (members, error) {
		return members{"Account": fakeAccount, "Arn": f.d.Root().ARN, "UserId": fakeAccount}, nil
	})
	return f
}

func (f *fake) on(service, action string, do func(members) (members, error)) {
	dispatch.Register(f.d, dispatch.Operation{Service: service, Action: action}, dispatch.Anywhere[members](),
		func(_ context.Context, _ *dispatch.Call, in *members) (*members, error) {
			f.mu.Lock()
			defer f.mu.Unlock()
			f.calls = append(f.calls, action)
			if err := f.fail[action]; err != nil {
				return nil, err
			}
			out, err := do(*in)
			return &out, err
		})
}

// change alters what AWS holds, behind Pulumi's back.
func (f *fake) change(do func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	do()
}

// called returns the actions since the last time that change the state of AWS.
func (f *fake) called() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	var writes []string
	for _, a := range f.calls {
		if !strings.HasPrefix(a, "Get") && !strings.HasPrefix(a, "List") {
			writes = append(writes, a)
		}
	}
	f.calls = nil
	return strings.Join(writes, " ")
}

// serve serves the provider and returns where.
func serve(t *testing.T, d *dispatch.Dispatcher, options ...Option) net.Addr {
	t.Helper()
	lis, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error)
	ctx, stop := context.WithCancel(context.Background())
	go func() { done <- Serve(ctx, lis, d, options...) }()
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return lis.Addr()
}

// dial connects as the engine does, once per provider resource.
func dial(t *testing.T, addr net.Addr) pulumirpc.ResourceProviderClient {
	t.Helper()
	conn, err := grpc.NewClient(addr.String(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return pulumirpc.NewResourceProviderClient(conn)
}
