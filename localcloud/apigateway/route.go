package apigateway

import (
	"net/url"
	"strings"
)

// node is one step of an API's paths.
type node struct {
	literal    map[string]*node
	param      *node // {name}
	paramName  string
	greedy     *node // {name+}
	greedyName string
	methods    map[string]*methodPlan // nil where the path ends in nothing
}

// add returns the node of a path and makes those above it.
func (n *node) add(path string) *node {
	path = strings.Trim(path, "/")
	if path == "" {
		return n
	}
	for part := range strings.SplitSeq(path, "/") {
		switch {
		case strings.HasPrefix(part, "{") && strings.HasSuffix(part, "+}"):
			if n.greedy == nil {
				n.greedy, n.greedyName = &node{}, part[1:len(part)-2]
			}
			n = n.greedy
		case strings.HasPrefix(part, "{"):
			if n.param == nil {
				n.param, n.paramName = &node{}, part[1:len(part)-1]
			}
			n = n.param
		default:
			if n.literal == nil {
				n.literal = map[string]*node{}
			}
			next := n.literal[part]
			if next == nil {
				next = &node{}
				n.literal[part] = next
			}
			n = next
		}
	}
	return n
}

// parameter is one path parameter of a request.
type parameter struct{ name, value string }

// match finds the most specific method: literal parts over {name} over {name+}. The path is the encoded one without the
// slashes at its ends. Parameters are appended to found.
func (n *node) match(path, method string, found []parameter) (*methodPlan, []parameter) {
	if path == "" {
		return n.method(method), found
	}
	part, rest, _ := strings.Cut(path, "/")
	if next := n.literal[part]; next != nil {
		if m, all := next.match(rest, method, found); m != nil {
			return m, all
		}
	}
	if next := n.literal[unescape(part)]; next != nil && strings.Contains(part, "%") {
		if m, all := next.match(rest, method, found); m != nil {
			return m, all
		}
	}
	if n.param != nil && part != "" {
		if m, all := n.param.match(rest, method, append(found, parameter{n.paramName, unescape(part)})); m != nil {
			return m, all
		}
	}
	if n.greedy != nil {
		if m := n.greedy.method(method); m != nil {
			return m, append(found, parameter{n.greedyName, unescape(path)})
		}
	}
	return nil, found
}

func (n *node) method(name string) *methodPlan {
	if m := n.methods[name]; m != nil {
		return m
	}
	return n.methods["ANY"]
}

func unescape(part string) string {
	if !strings.Contains(part, "%") {
		return part
	}
	if plain, err := url.PathUnescape(part); err == nil {
		return plain
	}
	return part
}
