package deploy

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/blang/semver"
	"github.com/pulumi/pulumi/sdk/v3/go/auto"
)

// cliVersion is the Pulumi CLI that tools/go.mod pins and that is built where none is installed.
const cliVersion = "3.259.0"

// oldestCLI is the oldest installed CLI that is used: the first with which PULUMI_DEBUG_PROVIDERS was tried here.
var oldestCLI = semver.MustParse("3.255.0")

// PulumiCLI returns the Pulumi CLI: the one on PATH when its version will do, else one that is built from tools/ into
// the user's cache, once. CAREPATH_PULUMI names a folder with bin/pulumi in it that is used instead. report is told
// what takes long.
func (p *Project) PulumiCLI(ctx context.Context, report func(string)) (auto.PulumiCommand, error) {
	return p.findEngine(ctx, report)
}

func (p *Project) findEngine(ctx context.Context, report func(string)) (*engine, error) {
	if root := os.Getenv("CAREPATH_PULUMI"); root != "" {
		return newEngine(root)
	}
	if path, err := exec.LookPath("pulumi"); err == nil {
		installed, err := auto.NewPulumiCommand(&auto.PulumiCommandOptions{SkipVersionCheck: true})
		if err == nil && installed.Version().GE(oldestCLI) {
			return &engine{command: path, version: installed.Version()}, nil
		}
	}
	root, err := cliFolder()
	if err != nil {
		return nil, err
	}
	if _, err := os.Stat(filepath.Join(root, "bin", "pulumi")); errors.Is(err, os.ErrNotExist) {
		if err := p.buildCLI(ctx, root, report); err != nil {
			return nil, err
		}
	}
	return newEngine(root)
}

// newEngine is the CLI in a folder's bin. A folder that is named for the pinned version, as the one is that is built from tools/,
// holds that version; others are asked.
func newEngine(root string) (*engine, error) {
	command := filepath.Join(root, "bin", "pulumi")
	if filepath.Base(root) == "pulumi-"+cliVersion {
		if _, err := os.Stat(command); err == nil {
			return &engine{command: command, version: semver.MustParse(cliVersion)}, nil
		}
	}
	found, err := auto.NewPulumiCommand(&auto.PulumiCommandOptions{Root: root, SkipVersionCheck: true})
	if err != nil {
		return nil, &Error{Code: CodeFailed, Message: "there is no Pulumi CLI in " + command + ": " + err.Error(),
			Hint: "CAREPATH_PULUMI names a folder with bin/pulumi in it; without it, carepath finds or builds one", Err: err}
	}
	return &engine{command: command, version: found.Version()}, nil
}

// cliFolder is where the built CLI lives.
func cliFolder() (string, error) {
	cache := os.Getenv("CAREPATH_CACHE")
	if cache == "" {
		user, err := os.UserCacheDir()
		if err != nil {
			return "", fmt.Errorf("looking for the user's cache folder (set CAREPATH_CACHE to name one): %w", err)
		}
		cache = filepath.Join(user, "carepath")
	}
	return filepath.Join(cache, "pulumi-"+cliVersion), nil
}

// buildCLI builds into a temporary name and renames, so that a build that is cut off leaves nothing half done and two
// at once do no harm.
func (p *Project) buildCLI(ctx context.Context, root string, report func(string)) error {
	goTool, err := exec.LookPath("go")
	if err != nil {
		return &Error{Code: CodeFailed, Message: "neither a Pulumi CLI of version " + oldestCLI.String() + " or later nor Go is on PATH",
			Hint: "install one of them: https://www.pulumi.com/docs/install/ or https://go.dev/dl/", Err: err}
	}
	bin := filepath.Join(root, "bin")
	if err := os.MkdirAll(bin, 0o755); err != nil {
		return fmt.Errorf("making the folder for the Pulumi CLI: %w", err)
	}
	temporary, err := os.MkdirTemp(bin, "building-")
	if err != nil {
		return fmt.Errorf("making the folder for the Pulumi CLI: %w", err)
	}
	defer os.RemoveAll(temporary)
	report("building the Pulumi CLI " + cliVersion + " (once; some minutes)")
	total := p.countCLIPackages(ctx, goTool)
	target := filepath.Join(temporary, "pulumi")
	cmd := exec.CommandContext(ctx, goTool, "build", "-v", "-trimpath",
		"-ldflags", "-s -w -X github.com/pulumi/pulumi/sdk/v3/go/common/version.Version=v"+cliVersion,
		"-o", target, "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi")
	cmd.Dir = filepath.Join(p.Root, "tools")
	cmd.Env = append(os.Environ(), "GOFLAGS=-buildvcs=false", "GOWORK=off")
	stderr, err := cmd.StderrPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("building the Pulumi CLI: %w", err)
	}
	problems := followBuild(stderr, total, report)
	if err := cmd.Wait(); err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return &Error{Code: CodeFailed, Message: "building the Pulumi CLI failed: " + problems,
			Hint: "install it instead: https://www.pulumi.com/docs/install/", Err: err}
	}
	if err := os.Rename(target, filepath.Join(bin, "pulumi")); err != nil {
		return fmt.Errorf("installing the built Pulumi CLI: %w", err)
	}
	report("built the Pulumi CLI " + cliVersion)
	return nil
}

func (p *Project) countCLIPackages(ctx context.Context, goTool string) int {
	cmd := exec.CommandContext(ctx, goTool, "list", "-deps", "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi")
	cmd.Dir = filepath.Join(p.Root, "tools")
	cmd.Env = append(os.Environ(), "GOWORK=off")
	out, err := cmd.Output()
	if err != nil {
		return 0 // only the progress' total is lost; the build itself reports what is wrong
	}
	return bytes.Count(out, []byte("\n"))
}

// followBuild reports progress from `go build -v`, a line per package, and returns the last lines that were not that.
func followBuild(stderr io.Reader, total int, report func(string)) string {
	var problems []string
	done := 0
	lines := bufio.NewScanner(stderr)
	for lines.Scan() {
		line := lines.Text()
		if strings.HasPrefix(line, "go: downloading ") {
			continue
		}
		if strings.ContainsAny(line, " :") {
			problems = append(problems, line)
			continue
		}
		if done++; done%250 == 0 {
			if total > 0 {
				report(fmt.Sprintf("  compiled %d packages (%d in all, less what is cached)", done, total))
			} else {
				report(fmt.Sprintf("  compiled %d packages", done))
			}
		}
	}
	return strings.Join(problems[max(0, len(problems)-12):], "\n")
}
