package main

import (
	"encoding/json"

	"github.com/carepath/carepath/lang/jsonvalue"
	"github.com/carepath/carepath/lang/vtl"
)

func init() { register("velocity", runVelocity) }

// velocityRow is a plain Velocity template with its variables. Only what the engine gives in API Gateway's
// configuration is checked.
type velocityRow struct {
	Template   string          `json:"template"`
	Context    json.RawMessage `json:"context"`
	APIGateway *velocityResult `json:"apigw_mode"`
}

type velocityResult struct {
	Output *string `json:"output,omitempty"`
	Error  bool    `json:"error,omitempty"`
}

func runVelocity(data json.RawMessage) Outcome {
	var row velocityRow
	if err := json.Unmarshal(data, &row); err != nil {
		return failed("a row of the velocity suite", err.Error())
	}
	if row.APIGateway == nil {
		return skipped("the row does not say what API Gateway's configuration gives")
	}
	request := &vtl.Request{}
	if len(row.Context) > 0 {
		v, err := jsonvalue.Parse(row.Context)
		if err != nil {
			return failed("variables", err.Error())
		}
		request.Variables, _ = v.(*jsonvalue.Object)
	}
	result, err := renderVTL(row.Template, request)
	switch {
	case row.APIGateway.Error && err != nil:
		return passed()
	case err != nil:
		return failed(row.APIGateway, err.Error())
	case row.APIGateway.Output == nil || *row.APIGateway.Output != result.Output:
		return failed(row.APIGateway, result.Output)
	}
	return passed()
}
