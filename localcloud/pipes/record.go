package pipes

import (
	"encoding/base64"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/carepath/carepath/lang/inputtemplate"
	"github.com/carepath/carepath/lang/jsonvalue"
	"github.com/carepath/carepath/localcloud/sqs"
)

// reserved are the variables that every template has.
// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-pipes-input-transformation.html#input-transform-reserved
var reserved = map[string]func(s *Service, p *pipe, record *jsonvalue.Object, now time.Time) any{
	"aws.pipes.pipe-arn":       func(s *Service, p *pipe, _ *jsonvalue.Object, _ time.Time) any { return s.arn(p.Name) },
	"aws.pipes.pipe-name":      func(_ *Service, p *pipe, _ *jsonvalue.Object, _ time.Time) any { return p.Name },
	"aws.pipes.source-arn":     func(_ *Service, p *pipe, _ *jsonvalue.Object, _ time.Time) any { return p.Source },
	"aws.pipes.enrichment-arn": func(*Service, *pipe, *jsonvalue.Object, time.Time) any { return "" },
	"aws.pipes.target-arn":     func(_ *Service, p *pipe, _ *jsonvalue.Object, _ time.Time) any { return p.Settings.Target },
	"aws.pipes.event.ingestion-time": func(_ *Service, _ *pipe, _ *jsonvalue.Object, now time.Time) any {
		return now.Format("2006-01-02T15:04:05.000Z")
	},
	"aws.pipes.event":      func(_ *Service, _ *pipe, record *jsonvalue.Object, _ time.Time) any { return record },
	"aws.pipes.event.json": func(_ *Service, _ *pipe, record *jsonvalue.Object, _ time.Time) any { return record },
}

// recordOf is a message as a pipe shows it. https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-pipes-sqs.html
func (s *Service) recordOf(p *pipe, m *sqs.Message) *jsonvalue.Object {
	attributes, own := &jsonvalue.Object{}, &jsonvalue.Object{}
	for _, name := range sortedKeys(m.Attributes) {
		attributes.Set(name, m.Attributes[name])
	}
	for _, name := range sortedKeys(m.MessageAttributes) {
		v := m.MessageAttributes[name]
		o := &jsonvalue.Object{}
		if v.StringValue != nil {
			o.Set("stringValue", *v.StringValue)
		}
		if v.BinaryValue != nil {
			o.Set("binaryValue", base64.StdEncoding.EncodeToString(v.BinaryValue))
		}
		o.Set("stringListValues", jsonvalue.NewArray())
		o.Set("binaryListValues", jsonvalue.NewArray())
		o.Set("dataType", v.DataType)
		own.Set(name, o)
	}
	r := &jsonvalue.Object{}
	r.Set("messageId", m.MessageID)
	r.Set("receiptHandle", m.ReceiptHandle)
	r.Set("body", m.Body)
	r.Set("attributes", attributes)
	r.Set("messageAttributes", own)
	r.Set("md5OfBody", m.MD5OfBody)
	r.Set("eventSource", "aws:sqs")
	r.Set("eventSourceARN", p.Source)
	r.Set("awsRegion", s.d.Region)
	return r
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for key := range m {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}

// item is a message on its way through a pipe.
type item struct {
	id, receipt string
	value       string // JSON: what the target gets of it
	record      *jsonvalue.Object
	err         error // why there is no value
}

// read makes an item of a message, or says that no filter lets it pass. Filters and templates see a body that is JSON text as
// what it says; without a template the target gets the record as it is.
func (s *Service) read(p *pipe, c *compiled, m *sqs.Message) (it item, passes bool) {
	it = item{id: m.MessageID, receipt: m.ReceiptHandle, record: s.recordOf(p, m)}
	plain := it.record
	if len(c.patterns) > 0 || c.template != "" {
		if body, err := jsonvalue.Parse(m.Body); err == nil {
			it.record = jsonvalue.NewObject(plain.Members()...)
			it.record.Set("body", body)
		}
	}
	if !c.match(it.record) {
		return it, false
	}
	if c.template == "" {
		it.value = jsonvalue.Text(plain)
	} else {
		it.value, it.err = s.transform(p, c, it.record)
	}
	return it, true
}

// match reports whether one of the filters, if there are any, lets a record pass.
func (c *compiled) match(record *jsonvalue.Object) bool {
	if len(c.patterns) == 0 {
		return true
	}
	text := jsonvalue.Append(nil, record)
	for _, pattern := range c.patterns {
		if ok, err := pattern.Match(text); err == nil && ok {
			return true
		}
	}
	return false
}

// transform fills the template. Where it is one variable and nothing else, an object or array loses its quotes, as AWS
// documents, and so is refused by targets that take JSON: a template such as {"body": <$.body>} keeps it.
func (s *Service) transform(p *pipe, c *compiled, record *jsonvalue.Object) (string, error) {
	value := func(name string) any {
		if f := reserved[name]; f != nil {
			return f(s, p, record, s.now())
		}
		if found, ok := c.paths[name].Follow(record); ok {
			return found
		}
		return ""
	}
	out := ""
	if name, alone := soleVariable(c.template); alone {
		switch v := value(name).(type) {
		case *jsonvalue.Object, *jsonvalue.Array:
			out = inputtemplate.Unquoted(v)
		default:
			out = jsonvalue.Text(v)
		}
	} else {
		out = inputtemplate.Fill(c.template, value)
	}
	if inputtemplate.Broken(out) {
		return "", errors.New(`the input template does not result in valid JSON; a template such as <$.body> takes the quotes from a body that is JSON, and {"body": <$.body>} does not`)
	}
	if _, err := jsonvalue.Parse(out); err != nil {
		out = jsonvalue.Text(out) // free text
	}
	return out, nil
}

func soleVariable(template string) (name string, alone bool) {
	inside, ok := strings.CutPrefix(strings.TrimSpace(template), "<")
	if !ok {
		return "", false
	}
	name, after, ok := strings.Cut(inside, ">")
	return name, ok && after == ""
}
