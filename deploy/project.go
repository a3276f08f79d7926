// Package deploy runs Carepath's stacks: it finds or builds the Pulumi CLI, keeps the embedded AWS running for the local
// stack, and drives Pulumi through the Automation API. The command line is a thin layer over it, and programs that deploy
// from CI can import it.
package deploy

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/carepath/carepath/deploy/graph"
	"github.com/carepath/carepath/platform"
)

// LocalStack is the name of the stack that runs on the embedded AWS.
const LocalStack = "local"

// Project is a checkout of Carepath and where its local state lives.
type Project struct {
	// Root is the folder that holds Pulumi.yaml.
	Root string
	// Home holds what the local stack leaves on the machine: its Pulumi state, the embedded AWS's state and log, built
	// functions. It is <Root>/.carepath unless CAREPATH_HOME says otherwise.
	Home string
	// Port is where the embedded AWS listens, on the loopback address only.
	Port int
}

// DefaultPort is where the embedded AWS listens unless told otherwise.
const DefaultPort = 4566

// FindProject looks for the project in dir and the folders above it.
func FindProject(dir string) (*Project, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	for root := dir; ; root = filepath.Dir(root) {
		text, err := os.ReadFile(filepath.Join(root, "Pulumi.yaml"))
		if err == nil && slices.Contains(strings.Split(string(text), "\n"), "name: carepath") {
			p := &Project{Root: root, Home: os.Getenv("CAREPATH_HOME"), Port: DefaultPort}
			if p.Home == "" {
				p.Home = filepath.Join(root, ".carepath")
			}
			if p.Home, err = filepath.Abs(p.Home); err != nil {
				return nil, err
			}
			return p, nil
		}
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			return nil, fmt.Errorf("looking for the project: %w", err)
		}
		if root == filepath.Dir(root) {
			return nil, &Error{Code: CodeUsage, Message: "no Carepath project in " + dir + " or above it",
				Hint: "run carepath inside a clone of the repository (the folder with Pulumi.yaml)"}
		}
	}
}

// Stacks returns the names of the stacks that have a configuration file of their own: ephemeral ones are not among them.
func (p *Project) Stacks() ([]string, error) {
	files, err := filepath.Glob(filepath.Join(p.Root, "Pulumi.*.yaml"))
	if err != nil {
		return nil, err
	}
	var names []string
	for _, f := range files {
		if name := strings.TrimSuffix(strings.TrimPrefix(filepath.Base(f), "Pulumi."), ".yaml"); name != profile && !Ephemeral(name) {
			names = append(names, name)
		}
	}
	return names, nil
}

// Configuration is what the file of a stack says, and what follows from it.
type Configuration struct {
	File     string // the file's path
	Settings []platform.Setting

	file *platform.StackFile
}

// Configuration reads and checks the file of a stack. What is wrong with it is an *Error with CodeUsage; if the program would
// refuse it, its cause is a *platform.ConfigError with every problem.
func (p *Project) Configuration(stack string) (*Configuration, error) {
	c := &Configuration{File: p.file(stack)}
	text, err := p.text(stack)
	if err != nil {
		return nil, p.noStack(stack, err)
	}
	c.file, err = platform.ParseStackFile(text)
	if err == nil {
		c.Settings, err = c.file.Check()
	}
	if err != nil {
		return c, &Error{Code: CodeUsage, Message: c.File + ": " + err.Error(), Hint: "docs/config.md lists every key", Err: err}
	}
	return c, nil
}

// Graph is what a stack consists of, told without an account, an engine or a build: see package graph.
func (p *Project) Graph(ctx context.Context, stack string) (*graph.Graph, error) {
	c, err := p.Configuration(stack)
	if err != nil {
		return nil, err
	}
	return c.graph(ctx, stack)
}

func (c *Configuration) graph(ctx context.Context, stack string) (*graph.Graph, error) {
	g, err := graph.Of(ctx, stack, c.file)
	if err != nil {
		return nil, &Error{Code: CodeFailed, Message: err.Error(), Hint: "carepath config validate --stack " + stack + " checks the configuration", Err: err}
	}
	return g, nil
}

// Production reports whether a stack is one that must not lose anything: its name is prod, or its environment is. Without a file
// that can be read it is an *Error with CodeUsage.
func (p *Project) Production(stack string) (bool, error) {
	c, err := p.Configuration(stack)
	if invalid := (*platform.ConfigError)(nil); err != nil && !errors.As(err, &invalid) {
		return false, err
	}
	return stack == productionEnvironment || c.text(platform.KeyEnvironment) == productionEnvironment, nil
}

// text is the value of a key that is a text; "" if the stack has none.
func (c *Configuration) text(key string) string {
	i := slices.IndexFunc(c.Settings, func(s platform.Setting) bool { return s.Path == key })
	if i < 0 {
		return ""
	}
	value, _ := c.Settings[i].Value.(string)
	return value
}

// setting is the value of a key in a stack's file, which must be valid.
func (p *Project) setting(stack, key string) (string, error) {
	c, err := p.Configuration(stack)
	if err != nil {
		return "", err
	}
	return c.text(key), nil
}

const productionEnvironment = "prod"
