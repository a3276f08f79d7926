package apidomain_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/carepath/carepath/components/apidomain"
	"github.com/carepath/carepath/components/golambda"
	"github.com/carepath/carepath/components/restapi"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/route53"
	"github.com/pulumi/pulumi/sdk/v3/go/auto"
	"github.com/pulumi/pulumi/sdk/v3/go/auto/optdestroy"
	"github.com/pulumi/pulumi/sdk/v3/go/auto/optup"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// programOfOnesOwn is what docs/extend.md shows, and before it what the reader has.
func programOfOnesOwn(ctx *pulumi.Context) error {
	key, err := logsKey(ctx)
	if err != nil {
		return err
	}
	account, err := logging(ctx)
	if err != nil {
		return err
	}
	zone, err := route53.NewZone(ctx, "zone", &route53.ZoneArgs{Name: pulumi.String("example.com")})
	if err != nil {
		return err
	}
	const architecture = golambda.Host

	function, err := golambda.NewFunction(ctx, "orders", &golambda.FunctionArgs{
		Package: "handlers/sample", Architecture: architecture, KMSKeyARN: key.Arn,
	})
	if err != nil {
		return err
	}
	orders, err := restapi.NewAPI(ctx, "orders-api", &restapi.APIArgs{
		Routes:                    []restapi.Route{restapi.LambdaRoute{Path: "/{id}", FunctionARN: function.ARN}},
		DisableExecuteAPIEndpoint: true,
		KMSKeyARN:                 key.Arn,
		Account:                   account,
	})
	if err != nil {
		return err
	}
	domain, err := apidomain.NewDomain(ctx, "api", &apidomain.DomainArgs{
		DomainName:   "api.example.com",
		HostedZoneID: zone.ZoneId,
		Create:       &apidomain.Create{Region: "us-east-1"},
		Mappings:     []apidomain.Mapping{{BasePath: "orders", API: orders}, {BasePath: "orders/v2", API: orders}},
	})
	if err != nil {
		return err
	}
	ctx.Export("url", domain.URL)
	return nil
}

func TestProgramOfOnesOwn(t *testing.T) {
	stack, base := onTheEmbeddedAWS(t, programOfOnesOwn)
	for name, value := range map[string]string{"aws:region": "us-east-1", "aws:accessKey": "test", "aws:secretKey": "test"} {
		if err := stack.SetConfig(t.Context(), name, auto.ConfigValue{Value: value}); err != nil {
			t.Fatal(err)
		}
	}
	var log strings.Builder
	result, err := stack.Up(t.Context(), optup.ProgressStreams(io.Discard), optup.ErrorProgressStreams(&log))
	if err != nil {
		t.Fatalf("%v\n%s", err, log.String())
	}
	if result.Outputs["url"].Value != "https://api.example.com" {
		t.Errorf("the outputs are %v", result.Outputs)
	}
	for path, want := range map[string]string{
		"/orders/7": `"path":"/orders/7","resource":"/{id}"`, "/orders/v2/8": `"path":"/orders/v2/8","resource":"/{id}"`,
		"/orders": `{"message":"Missing Authentication Token"}`, "/order/7": forbidden,
	} {
		response, err := client(base).Get("http://api.example.com" + path)
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(response.Body)
		response.Body.Close()
		if err != nil || !strings.Contains(string(text), want) || (response.StatusCode == http.StatusOK) != strings.HasPrefix(want, `"path"`) {
			t.Errorf("GET %s answers %d %s, want %s: %v", path, response.StatusCode, text, want, err)
		}
	}
	if _, err := stack.Destroy(t.Context(), optdestroy.ProgressStreams(io.Discard)); err != nil {
		t.Error(err)
	}
}
