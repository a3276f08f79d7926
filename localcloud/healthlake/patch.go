package healthlake

import (
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// operation is one of a JSON Patch. https://www.rfc-editor.org/rfc/rfc6902
type operation struct {
	Op    string          `json:"op"`
	Path  *string         `json:"path"`
	From  *string         `json:"from"`
	Value json.RawMessage `json:"value"`
}

type jsonPatch []operation

func parsePatch(body []byte) (jsonPatch, error) {
	var p jsonPatch
	if err := json.Unmarshal(body, &p); err != nil {
		return nil, invalid("structure", "The request body is not a JSON Patch.")
	}
	if len(p) == 0 {
		return nil, invalid("structure", "The JSON Patch has no operations.")
	}
	for _, o := range p {
		needsFrom := o.Op == "move" || o.Op == "copy"
		needsValue := o.Op == "add" || o.Op == "replace" || o.Op == "test"
		switch {
		case !needsFrom && !needsValue && o.Op != "remove":
			return nil, invalid("value", "The JSON Patch has an unknown operation %q.", o.Op)
		case o.Path == nil || needsFrom && o.From == nil || needsValue && o.Value == nil:
			return nil, invalid("required", "The operation %q of the JSON Patch lacks a member.", o.Op)
		}
	}
	return p, nil
}

// apply patches a resource.
func (p jsonPatch) apply(text []byte) ([]byte, error) {
	root := newNode(text)
	for _, o := range p {
		if err := o.apply(root); err != nil {
			return nil, err
		}
	}
	return root.append(nil), nil
}

func noPath(path string) error {
	return fault(http.StatusUnprocessableEntity, "ValidationException", "processing", "The path %q of the JSON Patch does not exist in the resource.", path)
}

func (o *operation) apply(root *node) error {
	switch o.Op {
	case "test":
		at, err := locate(root, *o.Path)
		if err != nil {
			return err
		}
		if !at.value().same(newNode(o.Value)) {
			return fault(http.StatusUnprocessableEntity, "ValidationException", "processing", "A test of the JSON Patch failed at %q.", *o.Path)
		}
		return nil
	case "remove":
		_, err := take(root, *o.Path)
		return err
	case "add":
		return put(root, *o.Path, newNode(o.Value), false)
	case "replace":
		return put(root, *o.Path, newNode(o.Value), true)
	}
	if o.Op == "move" {
		if strings.HasPrefix(*o.Path, *o.From+"/") {
			return invalid("value", "The JSON Patch moves %q into itself.", *o.From)
		}
		v, err := take(root, *o.From)
		if err != nil {
			return err
		}
		return put(root, *o.Path, v, false)
	}
	at, err := locate(root, *o.From)
	if err != nil {
		return err
	}
	return put(root, *o.Path, newNode(at.value().append(nil)), false)
}

// spot is a place below a node that may be empty.
type spot struct {
	parent *node
	key    string
	index  int // of what is there; -1 if nothing is
}

func (s spot) value() *node { return s.parent.below[s.index] }

var pointerEscapes = strings.NewReplacer("~1", "/", "~0", "~")

// walk finds the place of a JSON Pointer and forgets the texts on the way if something is going to change.
func walk(root *node, path string, changes bool) (spot, error) {
	if !strings.HasPrefix(path, "/") {
		return spot{}, invalid("value", "The path %q of the JSON Patch is not one of a part of the resource.", path)
	}
	keys := strings.Split(path[1:], "/")
	n := root
	for i, key := range keys {
		if !n.open() {
			return spot{}, noPath(path)
		}
		if changes {
			n.text = nil
		}
		s := spot{n, pointerEscapes.Replace(key), -1}
		if n.object {
			s.index = slices.Index(n.keys, s.key)
		} else if j, err := strconv.Atoi(s.key); err == nil && j >= 0 && j < len(n.below) && strconv.Itoa(j) == s.key {
			s.index = j
		}
		if i == len(keys)-1 {
			return s, nil
		}
		if s.index < 0 {
			return spot{}, noPath(path)
		}
		n = s.value()
	}
	return spot{}, noPath(path)
}

func locate(root *node, path string) (spot, error) {
	s, err := walk(root, path, false)
	if err == nil && s.index < 0 {
		err = noPath(path)
	}
	return s, err
}

func take(root *node, path string) (*node, error) {
	s, err := walk(root, path, true)
	if err != nil {
		return nil, err
	}
	if s.index < 0 {
		return nil, noPath(path)
	}
	v := s.value()
	s.parent.below = slices.Delete(s.parent.below, s.index, s.index+1)
	if s.parent.object {
		s.parent.keys = slices.Delete(s.parent.keys, s.index, s.index+1)
	}
	return v, nil
}

func put(root *node, path string, v *node, replace bool) error {
	s, err := walk(root, path, true)
	if err != nil {
		return err
	}
	p := s.parent
	switch {
	case s.index >= 0 && (replace || p.object):
		p.below[s.index] = v
	case replace:
		return noPath(path)
	case p.object:
		p.keys, p.below = append(p.keys, s.key), append(p.below, v)
	case s.index >= 0:
		p.below = slices.Insert(p.below, s.index, v)
	case s.key == "-" || s.key == strconv.Itoa(len(p.below)):
		p.below = append(p.below, v)
	default:
		return noPath(path)
	}
	return nil
}
