package apigateway

import (
	"encoding/base64"
	"errors"
	"unicode/utf8"
)

// payload is a body on its way. Bytes cannot go through a mapping template.
type payload struct {
	data   []byte
	binary bool
}

var errNotBase64 = errors.New("the body cannot be converted to binary: it is not base64")

// convertRequest applies the integration's contentHandling. See
// https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-payload-encodings-workflow.html.
func convertRequest(body []byte, binary bool, handling string) (payload, error) {
	switch {
	case handling == "CONVERT_TO_TEXT" && binary:
		return payload{encode(body), false}, nil
	case handling == "CONVERT_TO_BINARY" && !binary:
		return decode(body)
	case binary:
		return payload{body, true}, nil
	}
	return payload{validText(body), false}, nil
}

// convertResponse applies the integration response's contentHandling; accept says whether the client asked for a binary
// type.
func convertResponse(body []byte, binary, accept bool, handling string) (payload, error) {
	switch handling {
	case "CONVERT_TO_BINARY":
		if binary {
			return payload{body, true}, nil
		}
		return decode(body)
	case "CONVERT_TO_TEXT":
		if binary {
			return payload{encode(body), false}, nil
		}
		return payload{validText(body), false}, nil
	}
	switch {
	case binary && accept:
		return payload{body, true}, nil
	case binary:
		return payload{encode(body), false}, nil
	case accept:
		return decode(body)
	}
	return payload{validText(body), false}, nil
}

func encode(body []byte) []byte { return base64.StdEncoding.AppendEncode(nil, body) }

func decode(body []byte) (payload, error) {
	data, err := base64.StdEncoding.AppendDecode(nil, body)
	if err != nil {
		return payload{}, errNotBase64
	}
	return payload{data, true}, nil
}

// validText returns the body as text: each byte that is no UTF-8 becomes U+FFFD.
func validText(body []byte) []byte {
	if utf8.Valid(body) {
		return body
	}
	text := make([]byte, 0, len(body)+16)
	for len(body) > 0 {
		r, size := utf8.DecodeRune(body)
		text = utf8.AppendRune(text, r)
		body = body[size:]
	}
	return text
}
