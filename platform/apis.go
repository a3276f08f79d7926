package platform

import (
	"path"

	"github.com/carepath/carepath/components/golambda"
	"github.com/carepath/carepath/components/restapi"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// functionAPI is a REST API of Lambda functions.
type functionAPI struct {
	// Name is the base path of the stack's domain that leads to the API; its URL is the output "<Name>Url". Lower-case letters
	// and digits.
	Name string
	// Description is for people who look at the API.
	Description string
	// Routes are what the API does.
	Routes []functionRoute
}

// functionRoute is a method on a path, and the function that answers it.
type functionRoute struct {
	// Method is GET, POST, PUT, PATCH, DELETE, HEAD, OPTIONS or ANY.
	Method string
	// Path below the base path, such as "/{id}".
	Path string
	// Handler is the function's folder below handlers/. Routes that name the same one share the function.
	Handler string
}

// functionAPIs are the stack's APIs that need nothing but functions. docs/extend.md shows how to add one.
func functionAPIs() []functionAPI {
	return []functionAPI{
		{Name: "samples", Description: "Shows a function behind the domain", Routes: []functionRoute{
			{Method: "GET", Path: "/one", Handler: "sample"},
		}},
	}
}

func (s *system) newFunctionAPI(a functionAPI) error {
	functions := map[string]*golambda.Function{}
	var routes []restapi.Route
	for _, r := range a.Routes {
		f := functions[r.Handler]
		if f == nil {
			var err error
			f, err = golambda.NewFunction(s.ctx, a.Name+"-"+path.Base(r.Handler), &golambda.FunctionArgs{
				Package:          "handlers/" + r.Handler,
				Architecture:     s.config.Platform.Architecture,
				Description:      pulumi.String("Answers requests of the " + a.Name + " API"),
				KMSKeyARN:        s.key.Arn,
				LogRetentionDays: pulumi.Int(s.config.Platform.LogRetentionDays),
				AlarmTopicARNs:   s.alarmTopics(),
			}, s.options()...)
			if err != nil {
				return err
			}
			functions[r.Handler] = f
		}
		routes = append(routes, restapi.LambdaRoute{Method: r.Method, Path: r.Path, FunctionARN: f.ARN})
	}
	throttle := ThrottleConfig{RatePerSecond: 100, Burst: 200}
	if s.config.Environment == LocalEnvironment {
		throttle = localThrottle
	}
	return s.newAPI(a.Name, a.Name, a.Description, throttle, routes...)
}
