package platform

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/carepath/carepath/components/golambda"
	"github.com/carepath/carepath/components/workflow"
)

// from reads keys from a map, on top of the required ones.
func from(values map[string]string) map[string]string {
	all := map[string]string{"aws:region": "us-east-1", "carepath:environment": "dev", "carepath:accountId": "123456789012"}
	for k, v := range values {
		if all[k] = v; v == "<none>" {
			delete(all, k)
		}
	}
	return all
}

func TestConfigDefaultsFollowTheEnvironment(t *testing.T) {
	for _, test := range []struct {
		environment  string
		architecture golambda.Architecture
		protect      bool
		account      APIGatewayAccount
		retention    int
	}{
		{"local", golambda.Host, false, AccountAlways, 30},
		{"dev", golambda.ARM64, false, AccountWhereAbsent, 30},
		{"prod", golambda.ARM64, true, AccountWhereAbsent, 365},
	} {
		c, err := LoadConfig(from(map[string]string{"carepath:environment": test.environment}))
		if err != nil {
			t.Fatal(err)
		}
		p := c.Platform
		if p.Architecture != test.architecture || p.Protect != test.protect || p.APIGatewayAccount != test.account || p.LogRetentionDays != test.retention {
			t.Errorf("%s: %+v", test.environment, p)
		}
		if i := c.Intake; i.WorkflowType != workflow.Standard || i.MaxBodyBytes != 253952 || i.Retry.MaxAttempts != 3 {
			t.Errorf("%s: %+v", test.environment, i)
		}
	}
}

func TestWhatProtectsProductionCannotBeTurnedOff(t *testing.T) {
	values := map[string]string{
		"carepath:accountId": "000000000000",
		"carepath:platform":  `{"protect":false,"logRetentionDays":90}`,
		"carepath:users":     `{"deletionProtection":false}`,
		"carepath:ttl":       "8h",
	}
	for environment, want := range map[string][]string{
		"local": nil,
		"dev":   {"carepath:accountId"},
		"prod":  {"carepath:accountId", "carepath:ttl", "carepath:platform.logRetentionDays", "carepath:platform.protect", "carepath:users.deletionProtection"},
	} {
		values["carepath:environment"] = environment
		_, err := LoadConfig(from(values))
		var got []string
		var invalid *ConfigError
		if errors.As(err, &invalid) {
			for _, p := range invalid.Problems {
				got = append(got, p.Path)
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: got problems of %v, want %v", environment, got, want)
		}
	}
}

func TestConfigReadsEveryMember(t *testing.T) {
	c, err := LoadConfig(from(map[string]string{
		"carepath:platform": `{"architecture":"x86_64","logRetentionDays":90,"protect":true,"apiGatewayAccount":"never",
			"alarmTopicArns":["arn:aws:sns:us-east-1:123456789012:alarms"]}`,
		"carepath:intake": `{"workflowType":"EXPRESS","maxBodyBytes":1000,"headers":["X-A"],"throttle":{"ratePerSecond":1.5,"burst":7},
			"retry":{"maxAttempts":2,"intervalSeconds":3,"backoffRate":1.5,"maxDelaySeconds":9},"functionTimeoutSeconds":8,"functionMemoryMb":256}`,
	}))
	if err != nil {
		t.Fatal(err)
	}
	if p := c.Platform; p.Architecture != golambda.X8664 || p.LogRetentionDays != 90 || !p.Protect || p.APIGatewayAccount != AccountNever || len(p.AlarmTopicARNs) != 1 {
		t.Errorf("%+v", p)
	}
	i := c.Intake
	if i.WorkflowType != workflow.Express || i.MaxBodyBytes != 1000 || !slices.Equal(i.Headers, []string{"X-A"}) || i.Throttle != (ThrottleConfig{1.5, 7}) ||
		i.Retry != (RetryConfig{2, 3, 1.5, 9}) || i.FunctionTimeoutSeconds != 8 || i.FunctionMemoryMB != 256 {
		t.Errorf("%+v", i)
	}
}

func TestConfigProblems(t *testing.T) {
	for _, test := range []struct {
		name   string
		values map[string]string
		want   []string // the paths, in order
	}{
		{"nothing given", map[string]string{"aws:region": "<none>", "carepath:environment": "<none>", "carepath:accountId": "<none>"},
			[]string{"carepath:environment", "aws:region", "carepath:accountId"}},
		{"malformed scalars", map[string]string{"aws:region": "mars", "carepath:environment": "Dev!", "carepath:accountId": "12"},
			[]string{"carepath:environment", "aws:region", "carepath:accountId"}},
		{"misspelt keys", map[string]string{"carepath:intkae": "{}", "aws:profile": "mine", "carepth:intake": "{}", "pulumi:disable-default-providers": "[]"},
			[]string{"aws:profile", "carepath:intkae", "carepth:intake"}},
		{"not objects", map[string]string{"carepath:platform": "[]", "carepath:intake": "x y"}, []string{"carepath:platform", "carepath:intake"}},
		{"unknown members", map[string]string{"carepath:platform": `{"protekt":true}`, "carepath:intake": `{"retry":{"tries":1},"x":null}`},
			[]string{"carepath:platform.protekt", "carepath:intake.retry.tries", "carepath:intake.x"}},
		{"wrong types", map[string]string{"carepath:platform": `{"protect":"true","logRetentionDays":"30","alarmTopicArns":"x"}`},
			[]string{"carepath:platform.logRetentionDays", "carepath:platform.protect", "carepath:platform.alarmTopicArns"}},
		{"values that AWS does not take", map[string]string{"carepath:platform": `{"logRetentionDays":31,"alarmTopicArns":["a","arn:aws:sns:us-east-1:123456789012:t"]}`,
			"carepath:intake": `{"workflowType":"express","maxBodyBytes":253953,"throttle":{"burst":0,"ratePerSecond":0.5}}`},
			[]string{"carepath:platform.logRetentionDays", "carepath:platform.alarmTopicArns[0]", "carepath:intake.workflowType",
				"carepath:intake.maxBodyBytes", "carepath:intake.throttle.ratePerSecond", "carepath:intake.throttle.burst"}},
		{"headers", map[string]string{"carepath:intake": `{"headers":["X-A","x-a","b c",1]}`},
			[]string{"carepath:intake.headers[2]", "carepath:intake.headers[3]", "carepath:intake.headers"}},
		{"host architecture off the local stack", map[string]string{"carepath:platform": `{"architecture":"host"}`}, []string{"carepath:platform.architecture"}},
		{"delay below the interval", map[string]string{"carepath:intake": `{"retry":{"intervalSeconds":60}}`}, []string{"carepath:intake.retry.maxDelaySeconds"}},
		{"retries beyond five minutes of Express", map[string]string{"carepath:intake": `{"workflowType":"EXPRESS","functionTimeoutSeconds":30}`}, []string{"carepath:intake.retry"}},
		{"mail of a domain", map[string]string{"carepath:users": `{"email":{"identityArn":"arn:aws:ses:us-east-1:123456789012:identity/example.com","from":"The accounts <a@mail.Example.com>"}}`}, nil},
		{"mail of an address", map[string]string{"carepath:users": `{"email":{"identityArn":"arn:aws:ses:us-east-1:123456789012:identity/a@example.com","from":"b@example.com"}}`}, []string{"carepath:users.email.from"}},
		{"mail of another domain", map[string]string{"carepath:users": `{"email":{"identityArn":"arn:aws:ses:us-east-1:123456789012:identity/example.com","from":"a@badexample.com"}}`}, []string{"carepath:users.email.from"}},
		{"mail from nobody", map[string]string{"carepath:users": `{"email":{"identityArn":"arn:aws:ses:us-east-1:123456789012:identity/example.com"}}`}, []string{"carepath:users.email.from"}},
		{"mail of nothing", map[string]string{"carepath:users": `{"email":{"from":"a@example.com"}}`}, []string{"carepath:users.email.identityArn"}},
		{"malformed mail", map[string]string{"carepath:users": `{"email":{"identityArn":"example.com","from":"a b"}}`}, []string{"carepath:users.email.identityArn", "carepath:users.email.from"}},
		{"domain", map[string]string{"carepath:domain": `{"name":"api.example.com","hostedZoneId":"Z1","endpointType":"EDGE"}`, "aws:region": "eu-west-1"}, nil},
		{"domain in no region", map[string]string{"aws:region": "<none>", "carepath:domain": testDomain}, []string{"aws:region"}},
		{"domain without a name", map[string]string{"carepath:domain": `{"hostedZoneId":"Z1"}`}, []string{"carepath:domain.name"}},
		{"domain's members", map[string]string{"carepath:domain": `{"name":"API.example.com","existing":1,"hostedZoneId":"/hostedzone/Z1","endpointType":"PRIVATE","securityPolicy":"TLS_1_3",
			"certificateArn":"x","mutualTls":{"truststoreUri":"https://x"},"zone":"x"}`}, []string{"carepath:domain.name", "carepath:domain.existing", "carepath:domain.hostedZoneId",
			"carepath:domain.endpointType", "carepath:domain.securityPolicy", "carepath:domain.certificateArn", "carepath:domain.mutualTls.truststoreUri", "carepath:domain.zone"}},
		{"wildcard", map[string]string{"carepath:domain": `{"name":"*.example.com","hostedZoneId":"Z1"}`}, []string{"carepath:domain.name"}},
		{"no certificate and no zone", map[string]string{"carepath:domain": `{"name":"api.example.com"}`}, []string{"carepath:domain.certificateArn"}},
		{"the zone of the embedded AWS is there", map[string]string{"carepath:environment": "local", "carepath:domain": `{"name":"api.example.com"}`}, nil},
		{"certificate in the wrong region", map[string]string{"carepath:domain": `{"name":"api.example.com","certificateArn":"arn:aws:acm:eu-west-1:123456789012:certificate/a"}`},
			[]string{"carepath:domain.certificateArn"}},
		{"mutual TLS on EDGE with TLS 1.0", map[string]string{"carepath:domain": `{"name":"api.example.com","hostedZoneId":"Z1","endpointType":"EDGE","securityPolicy":"TLS_1_0","mutualTls":{"truststoreUri":"s3://bucket/ca.pem"}}`},
			[]string{"carepath:domain.mutualTls", "carepath:domain.mutualTls"}},
		{"mutual TLS without a trust store", map[string]string{"carepath:domain": `{"name":"api.example.com","hostedZoneId":"Z1","mutualTls":{"truststoreVersion":"1"}}`}, []string{"carepath:domain.mutualTls.truststoreUri"}},
		{"existing domain with what only new ones have", map[string]string{"carepath:domain": `{"name":"api.example.com","existing":true,"endpointType":"EDGE","mutualTls":{"truststoreUri":"s3://bucket/ca.pem"}}`},
			[]string{"carepath:domain.endpointType", "carepath:domain.mutualTls"}},
		{"the same with Standard", map[string]string{"carepath:intake": `{"functionTimeoutSeconds":30}`}, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := LoadConfig(from(test.values))
			var invalid *ConfigError
			if err != nil && !errors.As(err, &invalid) {
				t.Fatalf("got a %T: %v", err, err)
			}
			var got []string
			if invalid != nil {
				for _, p := range invalid.Problems {
					got = append(got, p.Path)
					if p.Allowed == "" || !strings.Contains(err.Error(), p.Path) {
						t.Errorf("%+v does not say what is allowed, or is not in %v", p, err)
					}
				}
			}
			if !slices.Equal(got, test.want) {
				t.Errorf("got the problems %q, want %q\n%v", got, test.want, err)
			}
		})
	}
}
