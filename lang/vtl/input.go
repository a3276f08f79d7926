package vtl

import (
	"errors"
	"strings"
	"time"

	"github.com/carepath/carepath/lang/jsonpath"
)

// inputObject is $input.
type inputObject struct {
	e      *evaluator
	params *dict // $input.params(), once it is used

	parsed bool
	value  any
	err    error
}

// hidden are the headers that mapping templates never see, in lower case.
var hidden = map[string]bool{
	"connection": true, "content-length": true, "content-md5": true, "expect": true, "max-forwards": true,
	"proxy-authenticate": true, "server": true, "te": true, "trailer": true, "transfer-encoding": true, "upgrade": true,
	"www-authenticate": true,
}

// HiddenHeader reports whether API Gateway keeps a header of the client's request from mapping templates, as it was
// recorded to do for Connection, Content-Length, Content-MD5, Expect, Max-Forwards, Proxy-Authenticate, Server, TE,
// Trailer, Transfer-Encoding, Upgrade and WWW-Authenticate. Case does not count.
func HiddenHeader(name string) bool { return hidden[strings.ToLower(name)] }

func (i *inputObject) call(s *step, args []any) (any, error) {
	switch {
	case s.name == "body" || len(args) > 1:
	case s.name == "params" && len(args) == 0:
		return i.allParams(), nil
	case len(args) == 1:
		name, ok := args[0].(string)
		if !ok {
			return nil, nil
		}
		switch s.name {
		case "params":
			return i.param(name), nil
		case "path":
			return i.path(name, s.path)
		case "json":
			return i.json(name, s.path)
		}
	case s.name == "getBody" && len(args) == 0:
		return i.e.body(), nil
	}
	return nil, nil
}

func (i *inputObject) param(name string) any {
	r := i.e.request
	for _, m := range []map[string]string{r.Path, r.Query, r.Header} {
		if v, ok := m[name]; ok {
			return v
		}
	}
	return ""
}

func (i *inputObject) allParams() *dict {
	if i.params == nil {
		r := i.e.request
		i.params = &dict{
			keys:   []any{"path", "querystring", "header"},
			values: []any{stringMap(r.Path, r.Order), stringMap(r.Query, r.Order), stringMap(r.Header, r.Order)},
		}
	}
	return i.params
}

// document returns the parsed body.
func (i *inputObject) document() (any, error) {
	if !i.parsed {
		i.value, i.err = i.e.parseJSON(i.e.body())
		i.parsed = true
	}
	return i.value, i.err
}

// path evaluates a JSONPath over the body; nil when it selects nothing.
func (i *inputObject) path(expr string, p *jsonpath.Path) (any, error) {
	doc, err := i.document()
	if err != nil {
		return nil, err
	}
	if p == nil {
		if expr == "" {
			return nil, nil
		}
		if p, err = jsonpath.CompileVersion(expr, jsonpath.V2_0); err != nil {
			return nil, err
		}
	}
	if !p.IsRoot() && !p.Definite() {
		// What a wildcard or a scan reads is bounded by the document, which is bounded by the body.
		if err := i.e.work(len(i.e.body()) >> 6); err != nil {
			return nil, err
		}
	}
	began := time.Time{}
	if p.UsesRegexp() {
		began = time.Now()
	}
	v, err := p.Eval(doc)
	if p.UsesRegexp() {
		if i.e.matches += int(time.Since(began).Microseconds()); i.e.matches > int(matchBudget.Microseconds()) {
			return nil, errPatternTime
		}
	}
	if errors.Is(err, jsonpath.ErrNotFound) {
		return nil, nil
	}
	return v, err
}

// json is path as JSON text. What is null or not there is the empty string, in its quotes.
func (i *inputObject) json(expr string, p *jsonpath.Path) (any, error) {
	v, err := i.path(expr, p)
	if err != nil {
		return nil, err
	}
	if v == nil {
		return `""`, nil
	}
	e := i.e
	start := len(e.out)
	out, err := e.appendJSON(e.out, v, false, 0)
	if err != nil {
		return nil, err
	}
	s := string(out[start:])
	e.out = out[:start]
	return e.newString(s)
}
