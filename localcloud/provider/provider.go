// Package provider stands in for the `aws` package's Pulumi plugin, so that the real Pulumi engine, told by
// PULUMI_DEBUG_PROVIDERS=aws:<port>,awsx:<port>, deploys onto the embedded AWS. Of `awsx` it constructs cloudtrail.Trail.
//
// Property names, required properties, allowed values and what replaces a resource follow pulumi-aws v6 and the
// Terraform provider below it; a test holds the names against the SDK's types. What is not emulated is refused by name.
// Every call passes the dispatcher as the account's root user.
package provider

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync/atomic"

	"github.com/carepath/carepath/localcloud/dispatch"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/stats"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/emptypb"
)

// Version is the version of pulumi-aws that the provider stands in for.
const Version = "6.83.2"

// largestMessage is in bytes: a deployment package travels in one message.
const largestMessage = 400 << 20

// Option changes how the provider is served.
type Option func(*server)

// Endpoint says where the embedded AWS answers HTTP, for the URLs that stages have; http://localhost:4566 by default.
func Endpoint(url string) Option {
	return func(s *server) { s.endpoint = strings.TrimSuffix(url, "/") }
}

// Lives has created told each resource that was made, and deleted each that was deleted, by its URN and its id, before the engine
// hears of it: an engine that is killed may never.
func Lives(created, deleted func(urn, id string) error) Option {
	return func(s *server) { s.created, s.deleted = created, deleted }
}

// Serve answers the Pulumi engine on lis until ctx is done, and closes lis. The engine opens one connection per provider
// resource; each has a configuration of its own.
func Serve(ctx context.Context, lis net.Listener, d *dispatch.Dispatcher, options ...Option) error {
	s := newServer(d)
	for _, o := range options {
		o(s)
	}
	g := grpc.NewServer(grpc.StatsHandler(connections{}), grpc.UnaryInterceptor(cancellable),
		grpc.MaxRecvMsgSize(largestMessage), grpc.MaxSendMsgSize(largestMessage))
	pulumirpc.RegisterResourceProviderServer(g, s)
	stop := context.AfterFunc(ctx, g.Stop)
	defer stop()
	if err := g.Serve(lis); err != nil && !errors.Is(err, grpc.ErrServerStopped) {
		return fmt.Errorf("serving the aws provider: %w", err)
	}
	return nil
}

// server implements the provider's gRPC service.
type server struct {
	pulumirpc.UnimplementedResourceProviderServer
	d         *dispatch.Dispatcher
	endpoint  string
	created   func(urn, id string) error
	deleted   func(urn, id string) error
	types     map[string]*resourceType
	functions map[string]function
}

func untold(string, string) error { return nil }

func newServer(d *dispatch.Dispatcher) *server {
	s := &server{d: d, endpoint: "http://localhost:4566", created: untold, deleted: untold, types: map[string]*resourceType{}, functions: functions()}
	for _, r := range resourceTypes() {
		s.types[r.token] = r
	}
	return s
}

func (s *server) caller() *call { return &call{s.d, s.endpoint} }

// resourceTypes are all the types that are emulated.
func resourceTypes() []*resourceType {
	var all []*resourceType
	for _, service := range [][]*resourceType{iamTypes(), sqsTypes(), logsTypes(), cloudwatchTypes(), kmsTypes(), sfnTypes(), lambdaTypes(), apigatewayTypes(), schedulerTypes(), pipesTypes(), schemasTypes(), eventsTypes(), dynamodbTypes(), cognitoTypes(),
		acmTypes(), route53Types(), domainTypes(), s3Types(), cloudtrailTypes(), cloudcontrolTypes()} {
		all = append(all, service...)
	}
	return all
}

// connection is what belongs to one provider resource: the engine gives each a connection of its own.
type connection struct {
	settings atomic.Pointer[settings]
	// cancelled ends the operations under way when the engine asks for that.
	cancelled context.Context
	cancel    context.CancelFunc
}

type connectionKey struct{}

// connections is a stats.Handler only because that is how gRPC tells connections apart.
type connections struct{}

func (connections) TagConn(ctx context.Context, _ *stats.ConnTagInfo) context.Context {
	c := &connection{}
	c.cancelled, c.cancel = context.WithCancel(ctx)
	return context.WithValue(ctx, connectionKey{}, c)
}

func (connections) HandleConn(ctx context.Context, event stats.ConnStats) {
	if _, ended := event.(*stats.ConnEnd); ended {
		connectionOf(ctx).cancel()
	}
}

func (connections) TagRPC(ctx context.Context, _ *stats.RPCTagInfo) context.Context { return ctx }
func (connections) HandleRPC(context.Context, stats.RPCStats)                       {}

func connectionOf(ctx context.Context) *connection { return ctx.Value(connectionKey{}).(*connection) }

// settingsOf is the configuration of the provider resource that makes the call; an empty one before Configure.
func settingsOf(ctx context.Context) *settings {
	if s := connectionOf(ctx).settings.Load(); s != nil {
		return s
	}
	return &settings{}
}

// cancellable ends a call when its connection's Cancel is called.
func cancellable(ctx context.Context, req any, _ *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	cancelled := connectionOf(ctx).cancelled
	if cancelled.Err() != nil {
		return nil, status.Error(codes.Canceled, "the operation was cancelled")
	}
	defer context.AfterFunc(cancelled, cancel)()
	return next(ctx, req)
}

// Handshake says what the provider can do, to engines that start it; engines that attach learn it from Configure.
func (s *server) Handshake(context.Context, *pulumirpc.ProviderHandshakeRequest) (*pulumirpc.ProviderHandshakeResponse, error) {
	return &pulumirpc.ProviderHandshakeResponse{AcceptSecrets: true, SupportsAutonamingConfiguration: true}, nil
}

// Attach is called by an engine that finds the provider running. The provider needs nothing of the engine.
func (s *server) Attach(context.Context, *pulumirpc.PluginAttach) (*emptypb.Empty, error) {
	return &emptypb.Empty{}, nil
}

// GetPluginInfo tells the version that the provider stands in for.
func (s *server) GetPluginInfo(context.Context, *emptypb.Empty) (*pulumirpc.PluginInfo, error) {
	return &pulumirpc.PluginInfo{Version: Version}, nil
}

// GetSchema returns a schema without types: programs bring the SDK, which needs none.
func (s *server) GetSchema(context.Context, *pulumirpc.GetSchemaRequest) (*pulumirpc.GetSchemaResponse, error) {
	return &pulumirpc.GetSchemaResponse{Schema: `{"name":"aws","version":"` + Version + `"}`}, nil
}

// Cancel ends the operations that are under way on the connection.
func (s *server) Cancel(ctx context.Context, _ *emptypb.Empty) (*emptypb.Empty, error) {
	connectionOf(ctx).cancel()
	return &emptypb.Empty{}, nil
}
