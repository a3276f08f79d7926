// Package localcloud is the embedded AWS: the services that this project's programs deploy, in one process, behind one
// loopback HTTP port that the AWS CLI and every AWS SDK can talk to, with a Pulumi provider that deploys to them.
//
// It emulates what it claims to and refuses the rest; see each service's package for what that is.
package localcloud

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"regexp"
	"strconv"
	"sync"
	"time"

	"github.com/carepath/carepath/localcloud/acm"
	"github.com/carepath/carepath/localcloud/apigateway"
	"github.com/carepath/carepath/localcloud/clock"
	"github.com/carepath/carepath/localcloud/cloudcontrol"
	"github.com/carepath/carepath/localcloud/cloudtrail"
	"github.com/carepath/carepath/localcloud/cloudwatch"
	"github.com/carepath/carepath/localcloud/cognitoidp"
	"github.com/carepath/carepath/localcloud/dispatch"
	"github.com/carepath/carepath/localcloud/dynamodb"
	"github.com/carepath/carepath/localcloud/eventbridge"
	"github.com/carepath/carepath/localcloud/healthlake"
	"github.com/carepath/carepath/localcloud/iam"
	"github.com/carepath/carepath/localcloud/kms"
	"github.com/carepath/carepath/localcloud/lambda"
	"github.com/carepath/carepath/localcloud/logs"
	"github.com/carepath/carepath/localcloud/pipes"
	"github.com/carepath/carepath/localcloud/provider"
	"github.com/carepath/carepath/localcloud/route53"
	"github.com/carepath/carepath/localcloud/s3"
	"github.com/carepath/carepath/localcloud/scheduler"
	"github.com/carepath/carepath/localcloud/schemas"
	"github.com/carepath/carepath/localcloud/sns"
	"github.com/carepath/carepath/localcloud/sqs"
	"github.com/carepath/carepath/localcloud/stepfunctions"
	"github.com/carepath/carepath/localcloud/store"
	"github.com/carepath/carepath/localcloud/sts"
	"github.com/carepath/carepath/localcloud/wire"
)

// Options say what an embedded AWS is. The zero value is one that keeps nothing and listens on 127.0.0.1:4566.
type Options struct {
	// Dir is where state and functions' code are kept; empty: state in memory, code in a temporary folder.
	Dir string
	// Addr is the loopback address of the HTTP port; empty: 127.0.0.1:4566. Port 0 takes a free one.
	Addr string
	// TLSAddr is the loopback address of a second port, with TLS; empty: there is none. The certificate of the authority that
	// signs for it is written to ca.pem in Dir. Port 0 takes a free one.
	TLSAddr string
	// Account is the account's twelve digits; empty: 000000000000.
	Account string
	// Region is empty for us-east-1.
	Region string
	// Clock is nil for the machine's.
	Clock clock.Clock
	// Logf reports what an operator should see; nil: nothing is reported.
	Logf func(format string, args ...any)
}

// Defaults of Options.
const (
	DefaultAddr    = "127.0.0.1:4566"
	DefaultAccount = "000000000000"
	DefaultRegion  = "us-east-1"
)

// Cloud is one embedded AWS. Make it with New.
type Cloud struct {
	d     *dispatch.Dispatcher
	store *store.Store
	addr  string
	// tlsAddr is empty where there is no TLS port.
	tlsAddr string
	dir     string // as Options say
	temp    string // a folder to remove at the end; empty if there is none

	sts           *sts.Service
	sqs           *sqs.Service
	lambda        *lambda.Service
	stepfunctions *stepfunctions.Service
	apigateway    *apigateway.Service
	scheduler     *scheduler.Service
	events        *eventbridge.Service
	pipes         *pipes.Service
	cognito       *cognitoidp.Service
	healthlake    *healthlake.Service
	acm           *acm.Service
	cloudtrail    *cloudtrail.Service

	creations *store.Table[Creation]

	mu           sync.Mutex
	endpoint     string
	tlsEndpoint  string
	providerPort int
	fronts       []*http.Server // the HTTP port, and the TLS port if there is one
	runtime      *http.Server   // Lambda's Runtime API
	stopProvider context.CancelFunc
	serving      sync.WaitGroup
}

var accountForm = regexp.MustCompile(`^[0-9]{12}$`)

// New makes an embedded AWS with the state that its folder holds. It does not listen before Start. Close it even if it was
// never started.
func New(o Options) (_ *Cloud, err error) {
	if o.Addr == "" {
		o.Addr = DefaultAddr
	}
	if err := checkLoopback(o.Addr); err != nil {
		return nil, err
	}
	if o.TLSAddr != "" {
		if err := checkLoopback(o.TLSAddr); err != nil {
			return nil, err
		}
	}
	if o.Account == "" {
		o.Account = DefaultAccount
	}
	if !accountForm.MatchString(o.Account) {
		return nil, fmt.Errorf("the account %q is not twelve digits", o.Account)
	}
	if o.Region == "" {
		o.Region = DefaultRegion
	}
	if o.Clock == nil {
		o.Clock = clock.Real{}
	}
	c := &Cloud{d: dispatch.New(o.Clock, o.Account, o.Region), addr: o.Addr, tlsAddr: o.TLSAddr, dir: o.Dir}
	if o.Logf != nil {
		c.d.Logf = o.Logf
	}
	if c.store, err = c.open(&o.Dir); err != nil {
		return nil, err
	}
	if c.creations, err = store.NewTable[Creation](c.store, "pulumi/creations"); err != nil {
		return nil, errors.Join(err, c.Close(context.Background()))
	}
	if err := c.wire(filepath.Join(o.Dir, "lambda")); err != nil {
		return nil, errors.Join(err, c.Close(context.Background()))
	}
	return c, nil
}

// checkLoopback refuses addresses that others can reach: whoever reaches the port may do everything.
func checkLoopback(addr string) error {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return fmt.Errorf("the address %q: %w", addr, err)
	}
	if ip := net.ParseIP(host); host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return fmt.Errorf("the address %q is not a loopback address, such as %s", addr, DefaultAddr)
	}
	return nil
}

// wire makes every service. The order is free: services find each other through the dispatcher at their calls.
func (c *Cloud) wire(lambdaDir string) error {
	if _, err := iam.New(c.d, c.store); err != nil {
		return fmt.Errorf("starting IAM: %w", err)
	}
	if _, err := kms.New(c.d, c.store); err != nil {
		return fmt.Errorf("starting KMS: %w", err)
	}
	if _, err := logs.New(c.d, c.store); err != nil {
		return fmt.Errorf("starting CloudWatch Logs: %w", err)
	}
	if _, err := cloudwatch.New(c.d, c.store); err != nil {
		return fmt.Errorf("starting CloudWatch: %w", err)
	}
	var err error
	if c.sts, err = sts.New(c.d, c.store); err != nil {
		return fmt.Errorf("starting STS: %w", err)
	}
	if c.sqs, err = sqs.New(c.d, c.store); err != nil {
		return fmt.Errorf("starting SQS: %w", err)
	}
	if _, err = dynamodb.New(c.d, c.store); err != nil {
		return fmt.Errorf("starting DynamoDB: %w", err)
	}
	if c.lambda, err = lambda.New(c.d, c.store, lambda.Options{Dir: lambdaDir}); err != nil {
		return fmt.Errorf("starting Lambda: %w", err)
	}
	if c.stepfunctions, err = stepfunctions.New(c.d, c.store); err != nil {
		return fmt.Errorf("starting Step Functions: %w", err)
	}
	if c.acm, err = acm.New(c.d, c.store); err != nil {
		return fmt.Errorf("starting ACM: %w", err)
	}
	if _, err = route53.New(c.d, c.store); err != nil {
		return fmt.Errorf("starting Route 53: %w", err)
	}
	if _, err = s3.New(c.d, c.store); err != nil {
		return fmt.Errorf("starting S3: %w", err)
	}
	if _, err = sns.New(c.d, c.store); err != nil {
		return fmt.Errorf("starting SNS: %w", err)
	}
	if c.apigateway, err = apigateway.New(c.d, c.store); err != nil {
		return fmt.Errorf("starting API Gateway: %w", err)
	}
	if c.scheduler, err = scheduler.New(c.d, c.store); err != nil {
		return fmt.Errorf("starting EventBridge Scheduler: %w", err)
	}
	if c.events, err = eventbridge.New(c.d, c.store); err != nil {
		return fmt.Errorf("starting EventBridge: %w", err)
	}
	if c.pipes, err = pipes.New(c.d, c.store); err != nil {
		return fmt.Errorf("starting EventBridge Pipes: %w", err)
	}
	if _, err = schemas.New(c.d, c.store); err != nil {
		return fmt.Errorf("starting the EventBridge schema registry: %w", err)
	}
	if c.cognito, err = cognitoidp.New(c.d, c.store); err != nil {
		return fmt.Errorf("starting Cognito: %w", err)
	}
	if c.healthlake, err = healthlake.New(c.d, c.store); err != nil {
		return fmt.Errorf("starting HealthLake: %w", err)
	}
	if c.cloudtrail, err = cloudtrail.New(c.d, c.store); err != nil {
		return fmt.Errorf("starting CloudTrail: %w", err)
	}
	if _, err := cloudcontrol.New(c.d, c.store); err != nil {
		return fmt.Errorf("starting Cloud Control: %w", err)
	}
	return nil
}

// Dispatcher is where every call of this embedded AWS passes.
func (c *Cloud) Dispatcher() *dispatch.Dispatcher { return c.d }

// Endpoint is the URL of the HTTP port, such as http://localhost:4566, the value for AWS_ENDPOINT_URL; empty before Start.
func (c *Cloud) Endpoint() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.endpoint
}

// ProviderPort is the loopback port of the Pulumi provider, for PULUMI_DEBUG_PROVIDERS=aws:<port>,awsx:<port>; 0 before Start.
func (c *Cloud) ProviderPort() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.providerPort
}

// Start listens: the HTTP port, the TLS port if there is to be one, Lambda's Runtime API and the Pulumi provider on free
// loopback ports. It returns when all accept connections; they do until Close.
func (c *Cloud) Start(ctx context.Context) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.endpoint != "" {
		return errors.New("the embedded AWS was started before")
	}
	var listen net.ListenConfig
	var open []net.Listener
	give := func(err error) error {
		for _, l := range open {
			err = errors.Join(err, l.Close())
		}
		return err
	}
	addresses := []string{c.addr, "127.0.0.1:0", "127.0.0.1:0"}
	if c.tlsAddr != "" {
		addresses = append(addresses, c.tlsAddr)
	}
	for _, addr := range addresses {
		l, err := listen.Listen(ctx, "tcp", addr)
		if err != nil {
			return give(fmt.Errorf("listening on %s (is another embedded AWS running?): %w", addr, err))
		}
		open = append(open, l)
	}
	front, runtime, engine := open[0], open[1], open[2]
	if c.tlsAddr != "" {
		var err error
		if open[3], err = c.secure(open[3]); err != nil {
			return give(fmt.Errorf("making the TLS port: %w", err))
		}
	}
	endpoint := "http://localhost:" + strconv.Itoa(port(front))
	c.endpoint = endpoint
	c.providerPort = port(engine)
	c.sqs.SetEndpoint(endpoint)
	c.lambda.SetEndpoint(endpoint)
	c.apigateway.SetEndpoint(endpoint)
	c.cognito.SetEndpoint(endpoint)
	c.healthlake.SetEndpoint(endpoint)

	handler := c.handler()
	c.fronts = []*http.Server{c.serve("the HTTP port", front, handler)}
	if c.tlsAddr != "" {
		c.fronts = append(c.fronts, c.serve("the TLS port", open[3], handler))
	}
	c.runtime = c.serve("Lambda's Runtime API", runtime, c.lambda.RuntimeHandler())
	providerCtx, stop := context.WithCancel(context.WithoutCancel(ctx))
	c.stopProvider = stop
	c.serving.Go(func() {
		if err := provider.Serve(providerCtx, engine, c.d, provider.Endpoint(endpoint), provider.Lives(c.recordCreation, c.recordDeletion)); err != nil {
			c.d.Logf("%v", err)
		}
	})
	c.lambda.SetRuntimeAddr(runtime.Addr().String())
	c.stepfunctions.Start()
	c.scheduler.Start()
	c.events.Start()
	c.pipes.Start()
	return nil
}

func port(l net.Listener) int { return l.Addr().(*net.TCPAddr).Port }

// serve answers on a listener until Close.
func (c *Cloud) serve(what string, l net.Listener, h http.Handler) *http.Server {
	server := &http.Server{
		Handler: h, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute,
		ErrorLog: slog.NewLogLogger(slog.Default().Handler(), slog.LevelDebug),
	}
	c.serving.Go(func() {
		if err := server.Serve(l); err != nil && !errors.Is(err, http.ErrServerClosed) {
			c.d.Logf("serving %s: %v", what, err)
		}
	})
	return server
}

// Close stops taking requests, lets what runs come to the end of its step until ctx is done, ends the functions' processes
// and writes the data plane to the state file.
func (c *Cloud) Close(ctx context.Context) error {
	c.mu.Lock()
	fronts, runtime, stopProvider := c.fronts, c.runtime, c.stopProvider
	c.fronts, c.runtime, c.stopProvider = nil, nil, nil
	c.mu.Unlock()

	var errs []error
	for _, server := range fronts {
		errs = append(errs, shutdown(ctx, server))
	}
	if stopProvider != nil {
		stopProvider()
	}
	if c.scheduler != nil {
		errs = append(errs, c.scheduler.Close(ctx))
	}
	if c.healthlake != nil {
		c.healthlake.Close()
	}
	if c.cloudtrail != nil {
		c.cloudtrail.Close()
	}
	if c.events != nil {
		errs = append(errs, c.events.Close(ctx))
	}
	if c.pipes != nil {
		errs = append(errs, c.pipes.Close(ctx))
	}
	if c.stepfunctions != nil {
		errs = append(errs, c.stepfunctions.Close(ctx))
	}
	if c.lambda != nil {
		errs = append(errs, c.lambda.Close(ctx))
	}
	if runtime != nil {
		errs = append(errs, runtime.Close()) // the processes that asked it are gone
	}
	if c.acm != nil {
		c.acm.Close()
	}
	if c.apigateway != nil {
		c.apigateway.Close(ctx)
	}
	c.serving.Wait()
	errs = append(errs, c.store.Close(), c.removeTemp())
	return errors.Join(errs...)
}

// shutdown waits for the requests under way until ctx is done, and then breaks them off.
func shutdown(ctx context.Context, server *http.Server) error {
	err := server.Shutdown(ctx)
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return server.Close()
	}
	return err
}

// handler is the HTTP port: deployed APIs, what the embedded AWS says of itself, and AWS's APIs.
func (c *Cloud) handler() http.Handler {
	apis, aws, keys, fhir := c.apigateway.Handler(), wire.New(c.d, c.sts), c.cognito.Handler(), c.healthlake.Handler(c.sts)
	own := http.NewServeMux()
	own.HandleFunc("GET /_carepath/health", c.health)
	own.HandleFunc("GET /_carepath/journal", c.journal)
	own.HandleFunc("GET /_carepath/creations", c.listCreations)
	own.HandleFunc("GET /_carepath/mail", c.mail)
	own.HandleFunc("GET /_carepath/faults", c.faults)
	own.HandleFunc("POST /_carepath/faults", c.injectFault)
	own.HandleFunc("DELETE /_carepath/faults", c.removeFaults)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case c.apigateway.Serves(r):
			apis.ServeHTTP(w, r)
		case isOwn(r):
			own.ServeHTTP(w, r)
		case c.cognito.Serves(r):
			keys.ServeHTTP(w, r)
		case c.healthlake.Serves(r):
			fhir.ServeHTTP(w, r)
		default:
			aws.ServeHTTP(w, r)
		}
	})
}
