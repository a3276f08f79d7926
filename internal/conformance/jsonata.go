package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/carepath/carepath/lang/jsonata"
	"github.com/carepath/carepath/lang/jsonvalue"
)

func init() { register("jsonata", runJSONata) }

// jsonataRow is a case of the language's own suite.
type jsonataRow struct {
	Expr      string                     `json:"expr"`
	Data      *json.RawMessage           `json:"data"`
	Dataset   string                     `json:"dataset"`
	Bindings  map[string]json.RawMessage `json:"bindings"`
	Depth     int                        `json:"depth"`
	Unordered bool                       `json:"unordered"`
	Expected  struct {
		Result    json.RawMessage `json:"result"`
		Undefined bool            `json:"undefined"`
		Code      string          `json:"code"`
		Message   string          `json:"message"`
	} `json:"expected"`
}

// jsonataData reads the data sets that stand beside the cases.
var jsonataData = sync.OnceValues(func() (*jsonvalue.Object, error) {
	folder := os.Getenv("CAREPATH_CORPUS")
	if folder == "" {
		for _, folder = range []string{filepath.Join("..", "shared", "corpus"), filepath.Join("..", "..", "..", "shared", "corpus")} {
			if _, err := os.Stat(folder); err == nil {
				break
			}
		}
	}
	text, err := os.ReadFile(filepath.Join(folder, "jsonata-datasets.json"))
	if err != nil {
		return nil, fmt.Errorf("reading the data sets (set CAREPATH_CORPUS to their folder): %w", err)
	}
	v, err := jsonvalue.Parse(text)
	if err != nil {
		return nil, fmt.Errorf("reading the data sets: %w", err)
	}
	o, _ := v.(*jsonvalue.Object)
	return o, nil
})

func runJSONata(row json.RawMessage) Outcome {
	var members map[string]json.RawMessage
	var r jsonataRow
	if err := errors.Join(json.Unmarshal(row, &r), json.Unmarshal(row, &members)); err != nil {
		return failed("a row of the jsonata suite", err.Error())
	}
	holds, given := members["jsonata_js_2_0_6"]
	if !given || string(holds) == "false" {
		return skipped("does not hold for JSONata 2.0.6")
	}
	if strings.Contains(r.Expr, "$eval(") {
		return skipped("$eval, which Step Functions does not have")
	}
	env := jsonata.Environment{Limits: jsonata.Limits{Depth: r.Depth}}
	if r.Depth > 0 && r.Depth < 300 {
		env.Limits = jsonata.Limits{Steps: 50_000_000, Size: 100 << 20} // a case about size
	}
	data, hasData := members["data"]
	switch {
	case r.Dataset != "":
		sets, err := jsonataData()
		if err != nil {
			return failed("the data set "+r.Dataset, err.Error())
		}
		env.Input, env.HasInput = sets.Get(r.Dataset)
	case hasData:
		v, err := jsonvalue.Parse([]byte(data))
		if err != nil {
			return failed("data", err.Error())
		}
		env.Input, env.HasInput = v, true
	}
	env.Variables = func(name string) (any, bool) {
		text, has := r.Bindings[name]
		if !has {
			return nil, false
		}
		v, err := jsonvalue.Parse([]byte(text))
		return v, err == nil
	}
	var result any
	var defined bool
	e, err := jsonata.Compile(r.Expr)
	if err == nil {
		result, defined, err = e.Eval(env)
	}
	return r.compare(result, defined, err)
}

func (r *jsonataRow) compare(result any, defined bool, err error) Outcome {
	want := &r.Expected
	var problem *jsonata.Error
	switch {
	case errors.As(err, &problem):
		if problem.Code != want.Code || want.Message != "" && want.Message != problem.Message {
			return failed(want, problem.Error())
		}
		return passed()
	case err != nil:
		return failed(want, err.Error())
	case !defined:
		if !want.Undefined {
			return failed(want, "undefined")
		}
		return passed()
	}
	text := jsonvalue.Text(result)
	expected, err := jsonvalue.Parse([]byte(want.Result))
	if err != nil || len(want.Result) == 0 || !r.same(expected, result) {
		return failed(want, text)
	}
	return passed()
}

func (r *jsonataRow) same(want, got any) bool {
	w, ok := want.(*jsonvalue.Array)
	g, ok2 := got.(*jsonvalue.Array)
	if !r.Unordered || !ok || !ok2 {
		return sameJSON([]byte(jsonvalue.Text(want)), []byte(jsonvalue.Text(got)))
	}
	left := append([]any(nil), g.Items...)
	for _, item := range w.Items {
		found := false
		for i := range left {
			if found = jsonvalue.Equal(item, left[i]); found {
				left = append(left[:i], left[i+1:]...)
				break
			}
		}
		if !found {
			return false
		}
	}
	return len(left) == 0
}
