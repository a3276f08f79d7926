package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"

	"github.com/carepath/carepath/deploy"
	"github.com/carepath/carepath/lang/jsonvalue"
	"github.com/carepath/carepath/lang/vtl"
	"github.com/spf13/cobra"
)

// renderRequest is the request file of `vtl render`.
type renderRequest struct {
	Body           json.RawMessage   `json:"body"` // a JSON string is the body's text; anything else is the body itself
	Path           map[string]string `json:"path"`
	Query          map[string]string `json:"query"`
	Header         map[string]string `json:"header"`
	Context        json.RawMessage   `json:"context"`
	StageVariables map[string]string `json:"stageVariables"`
}

func newVTLCommand(g *global) *cobra.Command {
	cmd := &cobra.Command{Use: "vtl", Short: "Try API Gateway mapping templates without deploying them"}
	var requestFile, bodyFile string
	render := &cobra.Command{
		Use:   "render TEMPLATE",
		Short: "Render a mapping template with a request",
		Long: `Render a mapping template with a request, as API Gateway does. TEMPLATE is a file, or - for standard input.

The request file is a JSON object: body (a string is the body's text, anything else the JSON body itself), path, query, header
and stageVariables (objects of strings), context (the $context tree).`,
		Example: "  carepath vtl render start-execution.vtl --request request.json\n  echo '$input.path(\"$.a\")' | carepath vtl render - --body body.json",
		Args:    cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			source, err := g.readFile(args[0])
			if err != nil {
				return err
			}
			request, err := g.renderRequest(requestFile, bodyFile)
			if err != nil {
				return err
			}
			template, err := vtl.Compile(string(source))
			if err != nil {
				return &deploy.Error{Code: deploy.CodeFailed, Message: args[0] + ": " + err.Error(), Err: err}
			}
			result, err := template.Render(request)
			if err != nil {
				return &deploy.Error{Code: deploy.CodeFailed, Message: args[0] + ": " + err.Error(), Err: err}
			}
			if g.json {
				document := map[string]any{"output": result.Output}
				if status, ok := result.Overrides.Status(); ok {
					document["statusOverride"] = status
				}
				return g.printJSON(document)
			}
			if status, ok := result.Overrides.Status(); ok {
				g.note("status override: %d", status)
			}
			fmt.Fprint(g.out, result.Output)
			return nil
		},
	}
	render.Flags().StringVar(&requestFile, "request", "", "the request file")
	render.Flags().StringVar(&bodyFile, "body", "", "a file whose bytes are the body, whatever the request file says")
	cmd.AddCommand(render)
	return cmd
}

func (g *global) renderRequest(requestFile, bodyFile string) (*vtl.Request, error) {
	var from renderRequest
	if requestFile != "" {
		text, err := g.readFile(requestFile)
		if err != nil {
			return nil, err
		}
		if err := decodeStrictly(text, &from); err != nil {
			return nil, &deploy.Error{Code: deploy.CodeUsage, Message: requestFile + ": " + err.Error(),
				Hint: "it may hold body, path, query, header, context and stageVariables"}
		}
	}
	request := &vtl.Request{Path: from.Path, Query: from.Query, Header: from.Header, StageVariables: from.StageVariables, Body: from.Body}
	var bodyText string
	if json.Unmarshal(from.Body, &bodyText) == nil {
		request.Body = []byte(bodyText)
	}
	if len(from.Context) > 0 {
		tree, err := jsonvalue.Parse(from.Context)
		if err != nil {
			return nil, err
		}
		context, ok := tree.(*jsonvalue.Object)
		if !ok {
			return nil, &deploy.Error{Code: deploy.CodeUsage, Message: requestFile + ": context is not an object"}
		}
		request.Context = context
	}
	if bodyFile != "" {
		var err error
		if request.Body, err = g.readFile(bodyFile); err != nil {
			return nil, err
		}
	}
	return request, nil
}

// readFile reads a file that the user named; - is standard input.
func (g *global) readFile(name string) ([]byte, error) {
	if name == "-" {
		return io.ReadAll(g.in)
	}
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, &deploy.Error{Code: deploy.CodeUsage, Message: err.Error(), Err: err}
	}
	return text, nil
}
