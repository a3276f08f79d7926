package deploy

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/auto"
)

// Check is one thing that Carepath needs on this machine.
type Check struct {
	Name   string `json:"name"`
	OK     bool   `json:"ok"`
	Detail string `json:"detail"`
	Mend   string `json:"mend,omitempty"` // the command or the step that mends it
}

// Doctor says what is there and what is missing on this machine.
func (p *Project) Doctor(ctx context.Context) []Check {
	return []Check{p.checkGo(ctx), p.checkCLI(), p.checkLocal(ctx), checkOptional("aws", "https://aws.amazon.com/cli/")}
}

func (p *Project) checkGo(ctx context.Context) Check {
	c := Check{Name: "Go"}
	out, err := exec.CommandContext(ctx, "go", "version").Output()
	if err != nil {
		c.Detail, c.Mend = "not on PATH: it builds the Lambda functions", "install it from https://go.dev/dl/"
		return c
	}
	c.OK, c.Detail = true, strings.TrimSpace(string(out))
	return c
}

func (p *Project) checkCLI() Check {
	c := Check{Name: "Pulumi CLI"}
	if installed, err := auto.NewPulumiCommand(&auto.PulumiCommandOptions{SkipVersionCheck: true}); err == nil {
		if installed.Version().GE(oldestCLI) {
			c.OK, c.Detail = true, "v"+installed.Version().String()+" on PATH"
			return c
		}
		c.Detail = "v" + installed.Version().String() + " on PATH is older than v" + oldestCLI.String() + "; "
	}
	root, err := cliFolder()
	if err != nil {
		c.Detail += err.Error()
		return c
	}
	if _, err := os.Stat(filepath.Join(root, "bin", "pulumi")); err == nil {
		c.OK, c.Detail = true, c.Detail+"v"+cliVersion+" built in "+root
		return c
	}
	c.OK, c.Detail = true, c.Detail+"none: `carepath up` will build v"+cliVersion+" from tools/ once"
	return c
}

func (p *Project) checkLocal(ctx context.Context) Check {
	c := Check{Name: "embedded AWS"}
	status, err := p.LocalStatus(ctx)
	switch {
	case err != nil:
		c.Detail, c.Mend = err.Error(), "carepath local status"
	case status.Running:
		c.OK, c.Detail = true, "runs at "+status.Endpoint
	default:
		c.OK, c.Detail = true, "does not run; `carepath up` starts it"
	}
	return c
}

func checkOptional(command, where string) Check {
	c := Check{Name: command, OK: true}
	if path, err := exec.LookPath(command); err == nil {
		c.Detail = path
	} else {
		c.Detail = "not on PATH; only needed to look into the stacks by hand (" + where + ")"
	}
	return c
}
