package apidomain_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/carepath/carepath/components/apidomain"
	"github.com/carepath/carepath/components/golambda"
	"github.com/carepath/carepath/components/policy"
	"github.com/carepath/carepath/components/restapi"
	"github.com/carepath/carepath/deploy"
	"github.com/carepath/carepath/localcloud"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/apigateway"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/iam"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/kms"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/route53"
	"github.com/pulumi/pulumi/sdk/v3/go/auto"
	"github.com/pulumi/pulumi/sdk/v3/go/auto/optdestroy"
	"github.com/pulumi/pulumi/sdk/v3/go/auto/optup"
	"github.com/pulumi/pulumi/sdk/v3/go/common/tokens"
	"github.com/pulumi/pulumi/sdk/v3/go/common/workspace"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// rolling is a domain on the embedded AWS, deployed by the real engine, that changes while clients use it.
type rolling struct {
	stack auto.Stack
	taken bool              // a second component, that stands for another program, takes the domain
	base  string            // URL of the embedded AWS
	apis  map[string]string // what the next update is to have: API by base path
}

// program deploys the APIs, one function behind all of them, and the domain.
func (r *rolling) program(ctx *pulumi.Context) error {
	provider, err := aws.NewProvider(ctx, "aws", &aws.ProviderArgs{Region: pulumi.String("us-east-1"), AccessKey: pulumi.String("test"), SecretKey: pulumi.String("test")})
	if err != nil {
		return err
	}
	with := pulumi.Provider(provider)
	key, err := logsKey(ctx, with)
	if err != nil {
		return err
	}
	function, err := golambda.NewFunction(ctx, "sample", &golambda.FunctionArgs{Package: "handlers/sample", Architecture: golambda.Host, KMSKeyARN: key.Arn}, with)
	if err != nil {
		return err
	}
	account, err := logging(ctx, with)
	if err != nil {
		return err
	}
	zone, err := route53.NewZone(ctx, "zone", &route53.ZoneArgs{Name: pulumi.String("localhost")}, with)
	if err != nil {
		return err
	}
	made, mappings := map[string]*restapi.API{}, []apidomain.Mapping{}
	for path, name := range r.apis {
		if made[name] == nil {
			made[name], err = restapi.NewAPI(ctx, name, &restapi.APIArgs{
				Routes: []restapi.Route{restapi.LambdaRoute{Path: "/one", FunctionARN: function.ARN}}, DisableExecuteAPIEndpoint: true, KMSKeyARN: key.Arn, Account: account,
				Throttle: restapi.Throttle{RatePerSecond: pulumi.Float64(10000), Burst: pulumi.Int(5000)},
			}, with)
			if err != nil {
				return err
			}
		}
		mappings = append(mappings, apidomain.Mapping{BasePath: path, API: made[name]})
	}
	_, err = apidomain.NewDomain(ctx, "api", &apidomain.DomainArgs{
		DomainName: "api.localhost", HostedZoneID: zone.ZoneId, Create: &apidomain.Create{Region: "us-east-1"}, Mappings: mappings,
	}, with)
	if err != nil || !r.taken {
		return err
	}
	_, err = apidomain.NewDomain(ctx, "taken", &apidomain.DomainArgs{
		DomainName: "api.localhost", Existing: &apidomain.Existing{}, Mappings: []apidomain.Mapping{{BasePath: "ta/ken", API: made[r.apis["samples"]]}},
	}, with)
	return err
}

// logsKey makes a key for log groups.
func logsKey(ctx *pulumi.Context, with ...pulumi.ResourceOption) (*kms.Key, error) {
	all := policy.ARNs(pulumi.String("*"))
	return kms.NewKey(ctx, "key", &kms.KeyArgs{Policy: policy.Document(
		policy.Statement{Principal: map[string]string{"AWS": "arn:aws:iam::000000000000:root"}, Actions: []string{"kms:*"}, Resources: all},
		policy.Statement{Principal: map[string]string{"Service": "logs.us-east-1.amazonaws.com"}, Actions: []string{"kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*"}, Resources: all},
	).ToStringPtrOutput()}, with...)
}

// logging lets API Gateway write access logs.
func logging(ctx *pulumi.Context, with ...pulumi.ResourceOption) (*apigateway.Account, error) {
	role, err := iam.NewRole(ctx, "logs", &iam.RoleArgs{AssumeRolePolicy: policy.Trust("apigateway.amazonaws.com")}, with...)
	if err != nil {
		return nil, err
	}
	granted, err := iam.NewRolePolicy(ctx, "logs", &iam.RolePolicyArgs{Role: role.Name, Policy: policy.Document(policy.Statement{
		Actions: []string{"logs:*"}, Resources: policy.ARNs(pulumi.String("*")),
	})}, with...)
	if err != nil {
		return nil, err
	}
	return apigateway.NewAccount(ctx, "account", &apigateway.AccountArgs{CloudwatchRoleArn: role.Arn.ToStringPtrOutput()}, append(with, pulumi.DependsOn([]pulumi.Resource{granted}))...)
}

// onTheEmbeddedAWS makes a stack of a program for the real engine and an embedded AWS of its own, whose URL it returns.
func onTheEmbeddedAWS(t *testing.T, program pulumi.RunFunc) (stack auto.Stack, base string) {
	t.Helper()
	if testing.Short() {
		t.Skip("-short: deploying needs the Pulumi CLI, which may have to be built")
	}
	cli, err := (&deploy.Project{Root: "../..", Home: t.TempDir()}).PulumiCLI(t.Context(), func(what string) { t.Log(what) })
	if err != nil {
		t.Fatal(err)
	}
	cloud, err := localcloud.New(localcloud.Options{Addr: "127.0.0.1:0"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := cloud.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	if err := cloud.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	stack, err = auto.UpsertStackInlineSource(t.Context(), "test", "rolling", program, auto.Pulumi(cli), auto.PulumiHome(filepath.Join(dir, "home")),
		auto.Project(workspace.Project{
			Name: tokens.PackageName("rolling"), Runtime: workspace.NewProjectRuntimeInfo("go", nil), Backend: &workspace.ProjectBackend{URL: "file://" + dir},
		}),
		auto.EnvVars(map[string]string{
			"PULUMI_CONFIG_PASSPHRASE": "test", "PULUMI_SKIP_UPDATE_CHECK": "true", "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
			"PULUMI_DEBUG_PROVIDERS": fmt.Sprintf("aws:%d", cloud.ProviderPort()),
		}))
	if err != nil {
		t.Fatal(err)
	}
	return stack, cloud.Endpoint()
}

// client sends every request to the embedded AWS, whatever the host.
func client(base string) *http.Client {
	return &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64, DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
		u, err := url.Parse(base)
		if err != nil {
			return nil, err
		}
		var dialer net.Dialer
		return dialer.DialContext(ctx, network, "127.0.0.1:"+u.Port())
	}}}
}

// up deploys the APIs by their base paths.
func (r *rolling) up(ctx context.Context, apis map[string]string) error {
	r.apis = apis
	var log strings.Builder
	if _, err := r.stack.Up(ctx, optup.ProgressStreams(io.Discard), optup.ErrorProgressStreams(&log)); err != nil {
		return fmt.Errorf("%w\n%s", err, log.String())
	}
	return nil
}

// replace makes an API anew, as a change does that API Gateway cannot make to one that is there.
func (r *rolling) replace(ctx context.Context, api string) error {
	var log strings.Builder
	urn := "urn:pulumi:test::rolling::carepath:restapi:API$aws:apigateway/restApi:RestApi::" + api
	result, err := r.stack.Up(ctx, optup.Replace([]string{urn}), optup.ProgressStreams(io.Discard), optup.ErrorProgressStreams(&log))
	if err != nil {
		return fmt.Errorf("%w\n%s", err, log.String())
	}
	// The API, and what is of it: deployment, stage, its settings, the function's permission.
	for _, kind := range []string{"RestApi", "Deployment", "Stage", "MethodSettings", "Permission"} {
		if !regexp.MustCompile(`(?m)^ \+- aws:\w+:` + kind + ` ` + api + `\S* replaced`).MatchString(result.StdOut) {
			return fmt.Errorf("the %s of the API %s was not replaced:\n%s", kind, api, result.StdOut)
		}
	}
	return nil
}

// sample is one request and what came of it.
type sample struct {
	path       string
	sent, done time.Time
	status     int
	body       string // when the status is not 200
}

// under sends 200 requests a second, in turn to each path, from a second before a change until a second after it.
func (r *rolling) under(t *testing.T, paths []string, change func() error) map[string][]sample {
	t.Helper()
	client := client(r.base)
	defer client.CloseIdleConnections()
	samples := make(map[string][]sample)
	var mu sync.Mutex
	var sent sync.WaitGroup
	send := func(path string) {
		s := sample{path: path, sent: time.Now()}
		response, err := client.Get("http://api.localhost/" + path + "/one")
		if err != nil {
			s.body = err.Error()
		} else {
			text, _ := io.ReadAll(response.Body)
			response.Body.Close()
			if s.status = response.StatusCode; s.status != http.StatusOK {
				s.body = strings.TrimSpace(string(text))
			}
		}
		s.done = time.Now()
		mu.Lock()
		defer mu.Unlock()
		samples[path] = append(samples[path], s)
	}
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		ticks := time.NewTicker(time.Second / 200)
		defer ticks.Stop()
		for i := 0; ; i++ {
			select {
			case <-stop:
				return
			case <-ticks.C:
				sent.Go(func() { send(paths[i%len(paths)]) })
			}
		}
	}()
	<-time.After(time.Second)
	err := change()
	<-time.After(time.Second)
	close(stop)
	<-stopped
	sent.Wait()
	if err != nil {
		t.Fatal(err)
	}
	count := 0
	for _, path := range paths {
		slices.SortFunc(samples[path], func(a, b sample) int { return a.sent.Compare(b.sent) })
		count += len(samples[path])
	}
	t.Logf("%d requests", count)
	return samples
}

// served reports every request to a path that was not answered with 200.
func served(t *testing.T, samples []sample) {
	t.Helper()
	for _, s := range samples {
		if s.status != http.StatusOK {
			t.Errorf("a request to %s answers %d %s", s.path, s.status, s.body)
		}
	}
}

const forbidden = `{"message":"Forbidden"}`

// ends reports requests that failed before the path was taken away: from one moment on every request is answered as one to
// a path that is not mapped, and none before. It returns that moment.
func ends(t *testing.T, samples []sample) time.Time {
	t.Helper()
	gone := slices.IndexFunc(samples, func(s sample) bool { return s.status == http.StatusForbidden })
	if gone < 0 {
		t.Fatalf("%s was never taken away", samples[0].path)
	}
	for i, s := range samples {
		// What is under way at that moment may see either.
		if i < gone && s.status != http.StatusOK || s.sent.After(samples[gone].done) && (s.status != http.StatusForbidden || s.body != forbidden) {
			t.Errorf("a request to %s answers %d %s", s.path, s.status, s.body)
		}
	}
	return samples[gone].done
}

// begins is the other way round: it returns the moment from which the path is served.
func begins(t *testing.T, samples []sample) time.Time {
	t.Helper()
	there := slices.IndexFunc(samples, func(s sample) bool { return s.status == http.StatusOK })
	if there < 0 {
		t.Fatalf("%s was never served", samples[0].path)
	}
	for i, s := range samples {
		if i < there && (s.status != http.StatusForbidden || s.body != forbidden) || s.sent.After(samples[there].done) && s.status != http.StatusOK {
			t.Errorf("a request to %s answers %d %s", s.path, s.status, s.body)
		}
	}
	return samples[there].sent
}

func TestChangesUnderTraffic(t *testing.T) {
	r := &rolling{}
	r.stack, r.base = onTheEmbeddedAWS(t, r.program)
	ctx := t.Context()
	if err := r.up(ctx, map[string]string{"orders": "orders", "samples": "samples", "deep/er": "deep", "deep": "samples"}); err != nil {
		t.Fatal(err)
	}

	t.Run("a base path is renamed", func(t *testing.T) {
		got := r.under(t, []string{"orders", "purchases", "samples", "deep/er"}, func() error {
			return r.up(ctx, map[string]string{"purchases": "orders", "samples": "samples", "deep/er": "deep", "deep": "samples"})
		})
		served(t, got["samples"])
		served(t, got["deep/er"])
		if gone, there := ends(t, got["orders"]), begins(t, got["purchases"]); gone.Before(there) {
			t.Errorf("for %v neither the old path nor the new one was served", there.Sub(gone))
		}
	})

	t.Run("a path gets another API", func(t *testing.T) {
		got := r.under(t, []string{"purchases", "samples"}, func() error {
			return r.up(ctx, map[string]string{"purchases": "purchases", "samples": "samples", "deep/er": "deep", "deep": "samples"})
		})
		served(t, got["purchases"])
		served(t, got["samples"])
	})

	t.Run("two paths change their APIs", func(t *testing.T) {
		got := r.under(t, []string{"purchases", "samples", "deep"}, func() error {
			return r.up(ctx, map[string]string{"purchases": "samples", "samples": "purchases", "deep/er": "deep", "deep": "samples"})
		})
		for _, samples := range got {
			served(t, samples)
		}
	})

	t.Run("an API is replaced", func(t *testing.T) {
		got := r.under(t, []string{"purchases", "samples", "deep", "deep/er"}, func() error {
			return r.replace(ctx, "samples")
		})
		for _, samples := range got {
			served(t, samples)
		}
	})

	t.Run("a path of several segments gets another API", func(t *testing.T) {
		got := r.under(t, []string{"deep/er", "deep", "samples"}, func() error {
			return r.up(ctx, map[string]string{"purchases": "samples", "samples": "purchases", "deep/er": "deeper", "deep": "samples"})
		})
		for _, samples := range got {
			served(t, samples)
		}
	})

	t.Run("an API below a path of several segments is replaced", func(t *testing.T) {
		got := r.under(t, []string{"deep/er", "deep", "samples"}, func() error {
			return r.replace(ctx, "deeper")
		})
		for _, samples := range got {
			served(t, samples)
		}
	})

	t.Run("another program takes the domain", func(t *testing.T) {
		got := r.under(t, []string{"ta/ken", "samples"}, func() error {
			r.taken = true
			return r.up(ctx, r.apis)
		})
		served(t, got["samples"])
		begins(t, got["ta/ken"])
	})

	t.Run("an API is removed", func(t *testing.T) {
		got := r.under(t, []string{"purchases", "samples"}, func() error {
			return r.up(ctx, map[string]string{"samples": "purchases", "deep/er": "deeper"})
		})
		served(t, got["samples"])
		ends(t, got["purchases"])
	})

	if _, err := r.stack.Destroy(context.WithoutCancel(ctx), optdestroy.ProgressStreams(io.Discard)); err != nil {
		t.Error(err)
	}
}
