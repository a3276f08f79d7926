package provider

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/archive"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/asset"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/plugin"
	"google.golang.org/protobuf/types/known/structpb"
)

// props are a resource's properties, or an API structure, as plain values: nil, bool, string, float64, []any,
// map[string]any, archives and assets.
type props map[string]any

func (p props) text(name string) string      { s, _ := p[name].(string); return s }
func (p props) boolean(name string) bool     { b, _ := p[name].(bool); return b }
func (p props) number(name string) float64   { n, _ := p[name].(float64); return n }
func (p props) list(name string) []any       { l, _ := p[name].([]any); return l }
func (p props) object(name string) props     { return asObject(p[name]) }
func (p props) strings(name string) []string { return asStrings(p[name]) }
func (p props) has(name string) bool         { _, ok := p[name]; return ok }
func (p props) objects(name string) []props {
	var all []props
	for _, e := range p.list(name) {
		all = append(all, asObject(e))
	}
	return all
}

// copied puts p's named values into `to` under the API's names, those that are given; names alternate ours and theirs.
func (p props) copied(to props, names ...string) props {
	for i := 0; i < len(names); i += 2 {
		if v, ok := p[names[i]]; ok && v != nil {
			to[names[i+1]] = v
		}
	}
	return to
}

func asObject(v any) props {
	switch v := v.(type) {
	case map[string]any:
		return v
	case props:
		return v
	}
	return nil
}

func asStrings(v any) []string {
	switch v := v.(type) {
	case []string:
		return v
	case []any:
		all := make([]string, 0, len(v))
		for _, e := range v {
			s, _ := e.(string)
			all = append(all, s)
		}
		return all
	}
	return nil
}

// stringsOf is a map's entries that are strings.
func stringsOf(v any) map[string]string {
	all := map[string]string{}
	for k, e := range asObject(v) {
		s, _ := e.(string)
		all[k] = s
	}
	return all
}

func asAny[V any](m map[string]V) map[string]any {
	all := make(map[string]any, len(m))
	for k, v := range m {
		all[k] = v
	}
	return all
}

// unknown stands for a value that is not known yet.
type unknown struct{}

// toPlain drops secrets and turns unknown values into unknown{}.
func toPlain(v resource.PropertyValue) any {
	switch {
	case v.IsSecret():
		return toPlain(v.SecretValue().Element)
	case v.IsComputed():
		return unknown{}
	case v.IsOutput():
		if !v.OutputValue().Known {
			return unknown{}
		}
		return toPlain(v.OutputValue().Element)
	case v.IsArray():
		all := make([]any, len(v.ArrayValue()))
		for i, e := range v.ArrayValue() {
			all[i] = toPlain(e)
		}
		return all
	case v.IsObject():
		all := map[string]any{}
		for k, e := range v.ObjectValue() {
			if !e.IsNull() {
				all[string(k)] = toPlain(e)
			}
		}
		return all
	case v.IsNull():
		return nil
	}
	return v.V
}

func toProps(m resource.PropertyMap) props {
	all := props{}
	for k, v := range m {
		if v.IsNull() || k == defaultedKey {
			continue
		}
		all[string(k)] = toPlain(v)
	}
	return all
}

func fromPlain(v any) resource.PropertyValue {
	switch v := v.(type) {
	case nil:
		return resource.NewNullProperty()
	case bool:
		return resource.NewProperty(v)
	case string:
		return resource.NewProperty(v)
	case float64:
		return resource.NewProperty(v)
	case int:
		return resource.NewProperty(float64(v))
	case unknown:
		return resource.MakeComputed(resource.NewProperty(""))
	case *archive.Archive:
		return resource.NewProperty(v)
	case *asset.Asset:
		return resource.NewProperty(v)
	case []string:
		all := make([]resource.PropertyValue, len(v))
		for i, e := range v {
			all[i] = resource.NewProperty(e)
		}
		return resource.NewProperty(all)
	case []any:
		all := make([]resource.PropertyValue, len(v))
		for i, e := range v {
			all[i] = fromPlain(e)
		}
		return resource.NewProperty(all)
	case props:
		return fromPlain(map[string]any(v))
	case map[string]string:
		return fromPlain(asAny(v))
	case map[string]any:
		all := resource.PropertyMap{}
		for k, e := range v {
			if e != nil {
				all[resource.PropertyKey(k)] = fromPlain(e)
			}
		}
		return resource.NewProperty(all)
	}
	panic(fmt.Sprintf("provider: a %T is no property value", v))
}

func withoutSecrets(v resource.PropertyValue) resource.PropertyValue {
	if v.IsNull() {
		return v
	}
	return fromPlain(toPlain(v))
}

func hasUnknown(v any) bool {
	switch v := v.(type) {
	case unknown:
		return true
	case []any:
		return slices.ContainsFunc(v, hasUnknown)
	case map[string]any:
		for _, e := range v {
			if hasUnknown(e) {
				return true
			}
		}
	}
	return false
}

func unmarshal(s *structpb.Struct) (resource.PropertyMap, error) {
	m, err := plugin.UnmarshalProperties(s, plugin.MarshalOptions{KeepUnknowns: true, KeepSecrets: true, SkipNulls: true})
	if err != nil {
		return nil, fmt.Errorf("reading properties: %w", err)
	}
	return m, nil
}

func marshal(m resource.PropertyMap) (*structpb.Struct, error) {
	s, err := plugin.MarshalProperties(m, plugin.MarshalOptions{KeepUnknowns: true, KeepSecrets: true, SkipNulls: true})
	if err != nil {
		return nil, fmt.Errorf("writing properties: %w", err)
	}
	return s, nil
}

// parseJSON reads exactly one JSON value.
func parseJSON(text string) (any, error) {
	dec := json.NewDecoder(bytes.NewReader([]byte(text)))
	dec.UseNumber()
	var v any
	if err := dec.Decode(&v); err != nil {
		return nil, err
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("there is more after the document's end")
	}
	return v, nil
}

// compactJSON writes v with sorted members, without escaping for HTML.
func compactJSON(v any) string {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		panic(fmt.Sprintf("provider: writing a JSON document: %v", err)) // plain values can always be written
	}
	return string(bytes.TrimSpace(b.Bytes()))
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// parsePlain reads JSON text as plain values.
func parsePlain(text string) (any, error) {
	var v any
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		return nil, err
	}
	return v, nil
}
