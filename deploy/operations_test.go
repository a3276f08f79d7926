package deploy

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/aws/aws-sdk-go-v2/credentials"
	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/carepath/carepath/localcloud"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/dynamodb"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/sqs"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// serveAt in the environment makes the test binary be an embedded AWS, in a folder and at a port.
const serveAt = "CAREPATH_TEST_SERVE_AT"

func TestMain(m *testing.M) {
	if at := os.Getenv(serveAt); at != "" && len(os.Args) > 1 && os.Args[1] == "serve" {
		if err := serve(at, os.Args[2]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	if len(os.Args) > 1 && os.Args[1] == "up" {
		if err := upElsewhere(os.Args[2:]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

func serve(dir, port string) error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	cloud, err := localcloud.New(localcloud.Options{Dir: dir, Addr: "127.0.0.1:" + port})
	if err != nil {
		return err
	}
	if err := cloud.Start(ctx); err != nil {
		return err
	}
	<-ctx.Done()
	return cloud.Close(context.WithoutCancel(ctx))
}

// bench is a project with a program of the test's own, on an embedded AWS of its own.
type bench struct {
	*testing.T
	project *Project
	options Options
	// What the program makes; tests edit it.
	protect bool
	hashKey string
	noTable bool
	delay   int
	queues  int
}

func newBench(t *testing.T) *bench {
	t.Helper()
	if testing.Short() {
		t.Skip("-short: deploying needs the Pulumi CLI, which may have to be built")
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := listener.Addr().(*net.TCPAddr).Port
	listener.Close()
	root := t.TempDir()
	for _, name := range []string{"Pulumi.yaml", "Pulumi.local.yaml"} {
		text, err := os.ReadFile(filepath.Join("..", name))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(root, name), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	b := &bench{T: t, project: &Project{Root: root, Home: filepath.Join(root, ".carepath"), Port: port}, hashKey: "pk", queues: 1}
	t.Setenv(serveAt, b.project.LocalDir())
	b.options = Options{Stack: LocalStack, Program: true, ServeArgs: []string{"serve", strconv.Itoa(port)}, program: b.program}
	t.Cleanup(func() {
		if log, err := os.ReadFile(b.project.localLog()); err == nil && t.Failed() {
			t.Logf("the embedded AWS's log:\n%s", log)
		}
		if _, err := b.project.StopLocal(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
	})
	return b
}

// upElsewhere is what a process that is to be killed does: an up of a number of queues.
func upElsewhere(args []string) error {
	queues, err := strconv.Atoi(args[2])
	if err != nil {
		return err
	}
	port, err := strconv.Atoi(args[1])
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	p := &Project{Root: args[0], Home: filepath.Join(args[0], ".carepath"), Port: port}
	b := &bench{project: p, hashKey: "pk", queues: queues}
	s, err := p.Open(ctx, Options{Stack: LocalStack, Program: true, program: b.program})
	if err != nil {
		return err
	}
	_, err = s.Up(ctx, UpOptions{})
	return err
}

// elsewhere starts an up of b.queues queues in a process of its own, and waits until it has made as many of them as are wanted.
func (b *bench) elsewhere(made int) *exec.Cmd {
	b.Helper()
	cmd := exec.CommandContext(b.Context(), os.Args[0], "up", b.project.Root, strconv.Itoa(b.project.Port), strconv.Itoa(b.queues))
	log := &strings.Builder{}
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if b.Failed() {
			b.Logf("the other up: %s", log)
		}
	})
	for len(b.queueURLs()) < made {
		if zombie(cmd.Process.Pid) {
			_ = cmd.Wait()
			b.Fatalf("the other up ended: %s", log)
		}
	}
	return cmd
}

func (b *bench) queueURLs() []string {
	b.Helper()
	out, err := b.sqs().ListQueues(b.Context(), &awssqs.ListQueuesInput{})
	if err != nil {
		b.Fatal(err)
	}
	return out.QueueUrls
}

// enginePID is the process that holds the lock.
func (b *bench) enginePID() int {
	b.Helper()
	locks, err := (&Stack{name: LocalStack, project: b.project}).locks()
	if err != nil || len(locks) != 1 {
		b.Fatalf("locks: %+v, %v", locks, err)
	}
	return locks[0].pid
}

// TestKilledUp interrupts or kills the program, the engine or both in the middle of an up: the next one says so and converges, with nothing made
// twice and nothing lost.
func TestKilledUp(t *testing.T) {
	for what, kill := range map[string]func(b *bench, cmd *exec.Cmd) error{
		"Ctrl-C":  func(_ *bench, cmd *exec.Cmd) error { return cmd.Process.Signal(os.Interrupt) },
		"program": func(_ *bench, cmd *exec.Cmd) error { return cmd.Process.Kill() },
		"engine":  func(b *bench, _ *exec.Cmd) error { return syscall.Kill(b.enginePID(), syscall.SIGKILL) },
		"both": func(b *bench, cmd *exec.Cmd) error {
			return errors.Join(syscall.Kill(b.enginePID(), syscall.SIGKILL), cmd.Process.Kill())
		},
	} {
		t.Run(what, func(t *testing.T) {
			b := newBench(t)
			b.queues = 0
			b.mustUp(UpOptions{})
			var said strings.Builder
			b.options.Observer.Report = func(text string) { fmt.Fprintln(&said, text) }
			for _, made := range []int{1, 15} {
				b.queues = 30
				cmd := b.elsewhere(made)
				if err := kill(b, cmd); err != nil {
					t.Fatal(err)
				}
				_ = cmd.Wait() // it was killed
				if what == "Ctrl-C" {
					if locks, err := b.open().locks(); err != nil || len(locks) > 0 {
						t.Errorf("Ctrl-C left the lock: %+v, %v", locks, err)
					}
				}
				said.Reset()
				result := b.mustUp(UpOptions{})
				if urls := b.queueURLs(); len(urls) != b.queues {
					t.Errorf("%d queues, want %d: %v", len(urls), b.queues, urls)
				}
				if released := strings.Contains(said.String(), "was cut off: releasing its lock"); released != (what == "engine" || what == "both") {
					t.Errorf("after %d queues the next up said %q", made, &said)
				}
				if result.Counts["create"] >= b.queues {
					t.Errorf("nothing was made before, or it was lost: %v", result.Counts)
				}
				if again := b.mustUp(UpOptions{}); again.Changed() {
					t.Errorf("not converged: %+v", again.Changes)
				}
				state, err := b.open().state(t.Context())
				if err != nil || len(state.PendingOperations) > 0 {
					t.Errorf("left pending: %+v, %v", state.PendingOperations, err)
				}
				b.queues = 0
				b.mustUp(UpOptions{Allowed: Allowed{Delete: queueURNs(30)}})
			}
		})
	}
}

func queueURNs(n int) []string {
	urns := make([]string, n)
	for i := range urns {
		urns[i] = fmt.Sprintf("urn:pulumi:local::carepath::aws:sqs/queue:Queue::letters-%d", i)
	}
	return urns
}

func (b *bench) program(ctx *pulumi.Context) error {
	p, err := aws.NewProvider(ctx, "aws", &aws.ProviderArgs{
		Region: pulumi.String("us-east-1"), AccessKey: pulumi.String("test"), SecretKey: pulumi.String("test"),
		SkipCredentialsValidation: pulumi.Bool(true), SkipMetadataApiCheck: pulumi.Bool(true),
	})
	if err != nil {
		return err
	}
	if !b.noTable {
		_, err = dynamodb.NewTable(ctx, "people", &dynamodb.TableArgs{
			BillingMode: pulumi.String("PAY_PER_REQUEST"), HashKey: pulumi.String(b.hashKey),
			Attributes: dynamodb.TableAttributeArray{dynamodb.TableAttributeArgs{Name: pulumi.String(b.hashKey), Type: pulumi.String("S")}},
		}, pulumi.Provider(p), pulumi.Protect(b.protect))
		if err != nil {
			return err
		}
	}
	for i := range b.queues {
		q, err := sqs.NewQueue(ctx, fmt.Sprintf("letters-%d", i), &sqs.QueueArgs{DelaySeconds: pulumi.Int(b.delay)}, pulumi.Provider(p))
		if err != nil {
			return err
		}
		if i == 0 {
			ctx.Export("lettersUrl", q.Url)
		}
	}
	return nil
}

func (b *bench) open() *Stack {
	b.Helper()
	s, err := b.project.Open(b.Context(), b.options)
	if err != nil {
		b.Fatal(err)
	}
	return s
}

func (b *bench) up(o UpOptions) (*Result, error) {
	b.Helper()
	return b.open().Up(b.Context(), o)
}

func (b *bench) mustUp(o UpOptions) *Result {
	b.Helper()
	result, err := b.up(o)
	if err != nil {
		b.Fatal(err)
	}
	return result
}

// writes are the calls of the embedded AWS, since its n. one, that change something, and how many calls there were.
func (b *bench) writes(n int) (calls []string, total int) {
	b.Helper()
	request, err := http.NewRequestWithContext(b.Context(), http.MethodGet, b.project.endpoint()+"/_carepath/journal", nil)
	if err != nil {
		b.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		b.Fatal(err)
	}
	defer response.Body.Close()
	var journal localcloud.Journal
	if err := json.NewDecoder(response.Body).Decode(&journal); err != nil {
		b.Fatal(err)
	}
	for _, e := range journal.Entries[n:] {
		if !slices.ContainsFunc([]string{"Get", "List", "Describe"}, func(verb string) bool { return strings.HasPrefix(e.Action, verb) }) {
			calls = append(calls, e.Service+":"+e.Action)
		}
	}
	return calls, len(journal.Entries)
}

// refusal is the *Error of a guard.
func refusal(t *testing.T, err error) *Error {
	t.Helper()
	var e *Error
	if !errors.As(err, &e) || e.Code != CodeRefused {
		t.Fatalf("not refused: %v", err)
	}
	return e
}

func TestUpRefusesToLoseData(t *testing.T) {
	for _, protect := range []bool{true, false} {
		t.Run(fmt.Sprintf("protect=%v", protect), func(t *testing.T) {
			b := newBench(t)
			b.protect = protect
			if first := b.mustUp(UpOptions{}); first.Counts["create"] == 0 || first.Outputs["lettersUrl"] == nil {
				t.Fatalf("the first up: %+v", first)
			}
			if again := b.mustUp(UpOptions{}); again.Changed() || again.Outputs["lettersUrl"] == nil {
				t.Errorf("a second up changes: %+v", again)
			}
			_, before := b.writes(0)

			b.hashKey, b.delay = "id", 7
			_, err := b.up(UpOptions{})
			e := refusal(t, err)
			if len(e.Findings) != 1 {
				t.Fatalf("findings: %+v", e.Findings)
			}
			f := e.Findings[0]
			if f.Type != "aws:dynamodb/table:Table" || f.Name != "people" || f.Op != "replace" || f.Protected != protect || f.Loses == "" ||
				!slices.Contains(f.Properties, "hashKey") || !strings.Contains(e.Message, "hashKey") || !strings.Contains(e.Hint, "--allow-replace '"+f.URN+"'") {
				t.Errorf("the refusal: %+v\n%v", f, e)
			}
			if calls, _ := b.writes(before); len(calls) > 0 {
				t.Errorf("the refused up called %v", calls)
			}

			_, err = b.up(UpOptions{Allowed: Allowed{Delete: []string{f.URN}}})
			refusal(t, err)
			if calls, _ := b.writes(before); len(calls) > 0 {
				t.Errorf("up, allowed to delete and not to replace, called %v", calls)
			}
			done := b.mustUp(UpOptions{Allowed: Allowed{Replace: []string{f.URN}}})
			if done.Counts["replace"] != 1 || done.Counts["update"] != 1 {
				t.Errorf("the allowed up: %v", done.Counts)
			}

			b.noTable = true
			_, err = b.up(UpOptions{})
			if e := refusal(t, err); len(e.Findings) != 1 || e.Findings[0].Op != "delete" || e.Findings[0].Protected != protect {
				t.Errorf("the refusal of a deletion: %+v", e.Findings)
			}
			done = b.mustUp(UpOptions{Allowed: Allowed{Delete: []string{f.URN}}})
			if done.Counts["delete"] != 1 {
				t.Errorf("the allowed deletion: %v", done.Counts)
			}
		})
	}
}

func TestDestroyRefusesWhatIsProtected(t *testing.T) {
	b := newBench(t)
	b.protect = true
	b.mustUp(UpOptions{})
	_, before := b.writes(0)
	_, err := b.project.Destroy(t.Context(), b.options, DestroyOptions{})
	e := refusal(t, err)
	if len(e.Findings) != 1 || e.Findings[0].Name != "people" || !e.Findings[0].Protected || !strings.Contains(e.Hint, "--allow-delete '") {
		t.Fatalf("the refusal: %+v\n%v", e.Findings, e)
	}
	if calls, _ := b.writes(before); len(calls) > 0 {
		t.Errorf("the refused destroy called %v", calls)
	}
	_, err = b.project.Destroy(t.Context(), b.options, DestroyOptions{Confirm: "other"})
	refusal(t, err)
	result, err := b.project.Destroy(t.Context(), b.options, DestroyOptions{AllowDelete: []string{e.Findings[0].URN}})
	if err != nil || result.Counts["delete"] == 0 {
		t.Errorf("the allowed destroy: %+v, %v", result, err)
	}
	if _, err := os.Stat(b.project.Home); !os.IsNotExist(err) {
		t.Errorf("it left %s: %v", b.project.Home, err)
	}
}

// queueAttribute changes the first queue behind Pulumi's back.
func (b *bench) queueAttribute(name, value string) {
	b.Helper()
	outputs, err := b.open().Outputs(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	url, _ := outputs["lettersUrl"].(string)
	_, err = b.sqs().SetQueueAttributes(b.Context(), &awssqs.SetQueueAttributesInput{QueueUrl: &url, Attributes: map[string]string{name: value}})
	if err != nil {
		b.Fatal(err)
	}
}

func (b *bench) sqs() *awssqs.Client {
	endpoint := b.project.endpoint()
	return awssqs.New(awssqs.Options{Region: "us-east-1", BaseEndpoint: &endpoint, Credentials: credentials.NewStaticCredentialsProvider("test", "test", "")})
}

func TestDrift(t *testing.T) {
	b := newBench(t)
	b.queues = 2
	b.mustUp(UpOptions{})
	drift, err := b.open().Drift(t.Context())
	if err != nil || len(drift.Resources) != 0 || drift.Checked != 4 || !strings.HasPrefix(drift.Markdown(CommentLimit), "### No drift of `local`") {
		t.Fatalf("before: %+v, %v", drift, err)
	}
	b.queueAttribute("VisibilityTimeout", "99")
	queues, err := b.sqs().ListQueues(t.Context(), &awssqs.ListQueuesInput{QueueNamePrefix: new("letters-1")})
	if err != nil || len(queues.QueueUrls) != 1 {
		t.Fatalf("%+v, %v", queues, err)
	}
	if _, err := b.sqs().DeleteQueue(t.Context(), &awssqs.DeleteQueueInput{QueueUrl: &queues.QueueUrls[0]}); err != nil {
		t.Fatal(err)
	}
	_, before := b.writes(0)
	if drift, err = b.open().Drift(t.Context()); err != nil || len(drift.Resources) != 2 {
		t.Fatalf("after: %+v, %v", drift, err)
	}
	changed, gone := drift.Resources[0], drift.Resources[1]
	if fmt.Sprint(changed.Name, changed.Op, changed.Differences) != "letters-0changed[{visibilityTimeoutSeconds 30 99}]" {
		t.Errorf("changed: %+v", changed)
	}
	if gone.Name != "letters-1" || gone.Op != "deleted" || gone.ID != queues.QueueUrls[0] {
		t.Errorf("gone: %+v", gone)
	}
	text := drift.Markdown(CommentLimit)
	if at := strings.Index(text, "**Gone:**"); at < 0 || at > strings.Index(text, "visibilityTimeoutSeconds") {
		t.Errorf("markdown:\n%s", text)
	}
	if calls, _ := b.writes(before); len(calls) > 0 {
		t.Errorf("drift called %v", calls)
	}
	if again, err := b.open().Drift(t.Context()); err != nil || len(again.Resources) != 2 {
		t.Errorf("drift changed the state: %+v, %v", again, err)
	}
	if _, err := b.open().Refresh(t.Context(), RefreshOptions{}); err != nil {
		t.Fatal(err)
	}
	if result := b.mustUp(UpOptions{}); result.Counts["create"] != 1 || result.Counts["update"] != 1 {
		t.Errorf("refresh and up: %v", result.Counts)
	}
	if drift, err = b.open().Drift(t.Context()); err != nil || len(drift.Resources) != 0 {
		t.Errorf("at the end: %+v, %v", drift, err)
	}
}

func TestPlan(t *testing.T) {
	b := newBench(t)
	file := filepath.Join(t.TempDir(), "plan.json")
	plan := func() *Result {
		t.Helper()
		result, err := b.open().Preview(t.Context(), PreviewOptions{Out: file})
		if err != nil {
			t.Fatal(err)
		}
		return result
	}
	stale := func(what string) {
		t.Helper()
		_, before := b.writes(0)
		_, err := b.up(UpOptions{Plan: file})
		var e *Error
		if !errors.As(err, &e) || e.Code != CodeStale || e.Hint == "" {
			t.Errorf("%s: %v", what, err)
		}
		if calls, _ := b.writes(before); len(calls) > 0 {
			t.Errorf("%s: the stale plan called %v", what, calls)
		}
	}
	if c := plan().Cost; len(c.Resources) != 2 || c.Resources[0].Before != nil || !c.Unknown || c.Before.Unknown {
		t.Errorf("the cost of the first plan: %+v", c)
	}
	if result := b.mustUp(UpOptions{Plan: file}); result.Counts["create"] != 4 {
		t.Errorf("the first plan: %v", result.Counts)
	}
	stale("a plan that was carried out")

	b.delay = 5
	if result := plan(); result.Counts["update"] != 1 || len(result.Cost.Resources) != 0 || result.Cost.Unknown || !result.Cost.Before.Unknown {
		t.Errorf("the second plan: %v, %+v", result.Counts, result.Cost)
	}
	b.delay = 6
	stale("another program")
	b.queues = 2
	stale("a program with more")
	b.queues = 0
	stale("a program with less")
	b.queues, b.delay = 1, 5
	if result := b.mustUp(UpOptions{Plan: file}); result.Counts["update"] != 1 {
		t.Errorf("the second plan: %v", result.Counts)
	}

	b.hashKey = "id"
	result := plan()
	if len(result.Dangers) != 1 || result.Dangers[0].Op != "replace" {
		t.Errorf("dangers: %+v", result.Dangers)
	}
	text := result.Markdown(CommentLimit)
	if at := strings.Index(text, "Data would be lost"); at < 0 || at > strings.Index(text, "**Replaced and deleted:**") {
		t.Errorf("markdown:\n%s", text)
	}
	_, err := b.up(UpOptions{Plan: file})
	refusal(t, err)
	if result := b.mustUp(UpOptions{Plan: file, Allowed: Allowed{Replace: []string{result.Dangers[0].URN}}}); result.Counts["replace"] != 1 {
		t.Errorf("the allowed plan: %v", result.Counts)
	}

	b.hashKey, b.protect = "pk", true
	b.mustUp(UpOptions{Allowed: Allowed{Replace: []string{result.Dangers[0].URN}}})
	b.hashKey = "id"
	if result, err = b.open().Preview(t.Context(), PreviewOptions{}); err != nil || len(result.Dangers) != 1 || !result.Dangers[0].Protected {
		t.Errorf("a preview of what protection forbids: %+v, %v", result, err)
	}
	_, err = b.open().Preview(t.Context(), PreviewOptions{Out: file})
	refusal(t, err)
	if err := os.WriteFile(file, []byte("{}"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err = b.up(UpOptions{Plan: file})
	if e := (*Error)(nil); !errors.As(err, &e) || e.Code != CodeUsage {
		t.Errorf("no plan: %v", err)
	}
}
