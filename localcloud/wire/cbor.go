package wire

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"time"

	"github.com/aws/smithy-go/encoding/cbor"
	"github.com/carepath/carepath/localcloud/dispatch"
)

// decodeCBOR reads a request of Smithy's RPC v2 protocol into a request structure.
// https://smithy.io/2.0/additional-specs/protocols/smithy-rpc-v2.html
func decodeCBOR(body []byte, in any) error {
	if len(body) == 0 {
		return nil
	}
	value, err := cbor.Decode(body)
	if err != nil {
		return dispatch.Errorf("SerializationException", "%v", err)
	}
	plain, err := plainCBOR(value)
	if err != nil {
		return dispatch.Errorf("SerializationException", "%v", err)
	}
	text, err := json.Marshal(plain)
	if err != nil {
		return dispatch.Errorf("SerializationException", "%v", err)
	}
	return DecodeJSON(text, in)
}

// plainCBOR turns a CBOR value into what encoding/json writes as AWS's JSON protocols do.
func plainCBOR(v cbor.Value) (any, error) {
	switch v := v.(type) {
	case cbor.Uint:
		return uint64(v), nil
	case cbor.NegInt:
		if v == 0 || uint64(v) > 1<<63 {
			return nil, fmt.Errorf("an integer is out of range")
		}
		return -int64(uint64(v)-1) - 1, nil
	case cbor.Slice:
		return base64.StdEncoding.EncodeToString(v), nil
	case cbor.String:
		return string(v), nil
	case cbor.List:
		items := make([]any, 0, len(v))
		for _, item := range v {
			p, err := plainCBOR(item)
			if err != nil {
				return nil, err
			}
			items = append(items, p)
		}
		return items, nil
	case cbor.Map:
		members := make(map[string]any, len(v))
		for name, item := range v {
			p, err := plainCBOR(item)
			if err != nil {
				return nil, err
			}
			if p != nil {
				members[name] = p
			}
		}
		return members, nil
	case *cbor.Tag:
		if v.ID != 1 {
			return nil, fmt.Errorf("CBOR tag %d is not one of the protocol", v.ID)
		}
		return plainCBOR(v.Value)
	case cbor.Bool:
		return bool(v), nil
	case *cbor.Nil, *cbor.Undefined, nil:
		return nil, nil
	case cbor.Float32:
		return finite(float64(v))
	case cbor.Float64:
		return finite(float64(v))
	}
	return nil, fmt.Errorf("CBOR value %T is not one of the protocol", v)
}

func finite(f float64) (any, error) {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return nil, fmt.Errorf("a number is not finite")
	}
	return f, nil
}

// encodeCBOR writes a response structure.
func encodeCBOR(out any) ([]byte, error) {
	value, ok, err := tree(reflect.ValueOf(out))
	if err != nil {
		return nil, err
	}
	if !ok {
		value = object{}
	}
	return cbor.Encode(toCBOR(value)), nil
}

func toCBOR(value any) cbor.Value {
	fields := func(fields []field) cbor.Value {
		m := cbor.Map{}
		for _, f := range fields {
			m[f.name] = toCBOR(f.value)
		}
		return m
	}
	switch v := value.(type) {
	case object:
		return fields(v)
	case dictionary:
		return fields(v)
	case list:
		l := make(cbor.List, 0, len(v))
		for _, item := range v {
			l = append(l, toCBOR(item))
		}
		return l
	case string:
		return cbor.String(v)
	case bool:
		return cbor.Bool(v)
	case int64:
		if v < 0 {
			return cbor.NegInt(uint64(-(v + 1)) + 1)
		}
		return cbor.Uint(v)
	case uint64:
		return cbor.Uint(v)
	case float64:
		return cbor.Float64(v)
	case []byte:
		return cbor.Slice(v)
	case time.Time:
		return &cbor.Tag{ID: 1, Value: cbor.Float64(float64(v.UnixMilli()) / 1000)}
	}
	return &cbor.Nil{}
}

func errorCBOR(e *dispatch.Error) []byte {
	members := cbor.Map{"__type": cbor.String("com.amazonaws.cloudwatch#" + e.Code), "message": cbor.String(e.Message)}
	return cbor.Encode(members)
}
