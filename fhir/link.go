package fhir

import (
	"errors"
	"net/url"
	"path"
	"strings"
)

// errForeign does not show the address, which can hold search values.
var errForeign = errors.New("the next link leads out of the data store: it is not followed")

// link reads a next link. HealthLake writes page tokens with a raw == at their end, which must be escaped before the
// request is signed.
func (c *Client) link(text string) (*url.URL, error) {
	at, err := url.Parse(text)
	if err != nil {
		return nil, errForeign
	}
	at = c.base.ResolveReference(at)
	if at.Scheme != c.base.Scheme || authority(at) != authority(c.base) || at.User != nil || at.RawPath != "" ||
		path.Clean(at.Path) != strings.TrimSuffix(at.Path, "/") || !strings.HasPrefix(at.Path, c.base.Path) {
		return nil, errForeign
	}
	at.Fragment, at.RawFragment = "", ""
	at.RawQuery = escapeQuery(at.RawQuery)
	return at, nil
}

// authority is an address's host and port.
func authority(at *url.URL) string {
	port := at.Port()
	if port == "" {
		port = at.Scheme
	} else if port == "443" && at.Scheme == "https" || port == "80" && at.Scheme == "http" {
		port = at.Scheme
	}
	return strings.ToLower(at.Hostname()) + ":" + port
}

// escapeQuery escapes what stands raw in the values of a query. In page tokens + is itself; elsewhere it is a space.
func escapeQuery(raw string) string {
	var out []string
	for pair := range strings.SplitSeq(raw, "&") {
		if pair == "" {
			continue
		}
		name, value, _ := strings.Cut(pair, "=")
		out = append(out, escapeOnce(name, false)+"="+escapeOnce(value, name == "page"))
	}
	return strings.Join(out, "&")
}

// escapeOnce escapes a text that is escaped in part, or not at all.
func escapeOnce(text string, plusIsPlus bool) string {
	unescape := url.QueryUnescape
	if plusIsPlus {
		unescape = url.PathUnescape
	}
	plain, err := unescape(text)
	if err != nil {
		plain = text
	}
	return strings.ReplaceAll(url.QueryEscape(plain), "+", "%20")
}
