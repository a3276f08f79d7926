package asl

import (
	"strings"
	"unicode"

	"github.com/carepath/carepath/lang/jsonvalue"
)

func (v *validator) mapState(o *jsonvalue.Object, location string, jsonata bool) {
	v.onlyOne(o, location, true, "ItemProcessor", "Iterator")
	v.onlyOne(o, location, false, "MaxConcurrency", "MaxConcurrencyPath")
	v.onlyOne(o, location, false, "ToleratedFailurePercentage", "ToleratedFailurePercentagePath")
	v.onlyOne(o, location, false, "ToleratedFailureCount", "ToleratedFailureCountPath")
	v.onlyOne(o, location, false, "ItemSelector", "Parameters")
	if items, has := o.Get("Items"); has && jsonata && !isExpression(items) {
		v.typed(o, location, "Items", "ARRAY")
	}
	for _, name := range []string{"MaxConcurrency", "ToleratedFailureCount"} {
		if !jsonata || !isExpression(value(o, name)) {
			v.wholeNumber(o, location, name, 0, 99999999)
		}
	}
	if !jsonata || !isExpression(value(o, "ToleratedFailurePercentage")) {
		if n, ok := v.typed(o, location, "ToleratedFailurePercentage", "NUMBER"); ok {
			if f := n.(jsonvalue.Number).Float64(); f < 0 {
				v.schema(location+"/ToleratedFailurePercentage", "Minimum value is 0")
			} else if f > 100 {
				v.schema(location+"/ToleratedFailurePercentage", "Maximum value is 100")
			}
		}
	}
	for _, name := range []string{"ItemProcessor", "Iterator"} {
		if processor, ok := v.typed(o, location, name, "OBJECT"); ok {
			v.processor(processor.(*jsonvalue.Object), location+"/"+name)
		}
	}
	v.label(o, location)
	if reader, ok := v.typed(o, location, "ItemReader", "OBJECT"); ok {
		v.itemReader(reader.(*jsonvalue.Object), location+"/ItemReader", jsonata)
	}
	if batcher, ok := v.typed(o, location, "ItemBatcher", "OBJECT"); ok && !jsonata {
		at := location + "/ItemBatcher"
		b := batcher.(*jsonvalue.Object)
		v.onlyOne(b, at, false, "MaxItemsPerBatch", "MaxItemsPerBatchPath")
		v.onlyOne(b, at, false, "MaxInputBytesPerBatch", "MaxInputBytesPerBatchPath")
		v.wholeNumber(b, at, "MaxItemsPerBatch", 1, 99999999)
		v.wholeNumber(b, at, "MaxInputBytesPerBatch", 1, maxData)
		if input, has := b.Get("BatchInput"); has {
			v.template(input, at+"/BatchInput")
		}
	}
}

// processor checks ItemProcessor or Iterator.
func (v *validator) processor(o *jsonvalue.Object, location string) {
	v.supported(o, location, []string{"Comment", "StartAt", "States", "ProcessorConfig"})
	distributed := false
	if config, ok := v.typed(o, location, "ProcessorConfig", "OBJECT"); ok {
		c, at := config.(*jsonvalue.Object), location+"/ProcessorConfig"
		v.oneOf(c, at, "Mode", "INLINE", "DISTRIBUTED")
		if distributed = text(c, "Mode") == "DISTRIBUTED"; distributed {
			if v.express {
				v.schema(at+"/Mode", "The field 'Mode' with value 'DISTRIBUTED' is not supported inside 'EXPRESS' state machines")
			}
			v.required(c, at, "ExecutionType")
			v.oneOf(c, at, "ExecutionType", "STANDARD", "EXPRESS")
		} else if _, has := c.Get("ExecutionType"); has {
			v.schema(at, "Field 'ExecutionType' is not supported")
		}
	}
	// The iterations of a distributed Map are executions of their own type.
	outer := v.express
	if distributed {
		v.express = text(object(value(o, "ProcessorConfig")), "ExecutionType") == "EXPRESS"
	}
	if v.workflow(o, location) {
		v.transitions(o, location, false)
	}
	v.express = outer
}

// label checks a Map's Label: at most 40 characters, none of them white space, a control character or special
// (https://docs.aws.amazon.com/step-functions/latest/dg/state-map-distributed.html).
func (v *validator) label(o *jsonvalue.Object, location string) {
	value, ok := v.typed(o, location, "Label", "STRING")
	if !ok {
		return
	}
	label, at := value.(string), location+"/Label"
	if n := utf16Length(label); n == 0 || n > 40 {
		v.schema(at, "Label length should be between 1 and 40 characters")
	}
	for _, r := range label {
		if unicode.IsSpace(r) || unicode.IsControl(r) || strings.ContainsRune("?*<>{}[]:;,\\|^~$#%&`\"", r) {
			v.schema(at, "Label contains invalid characters")
			return
		}
	}
}

func (v *validator) itemReader(o *jsonvalue.Object, location string, jsonata bool) {
	v.required(o, location, "Resource")
	if resource, ok := v.typed(o, location, "Resource", "STRING"); ok {
		r, err := ParseResource(resource.(string))
		if err != nil || r.Service != "s3" || r.Action != "getObject" && r.Action != "listObjectsV2" {
			v.schema(location+"/Resource", "The field 'Resource' does not match any of the allowed values")
		}
	}
	if parameters, has := o.Get("Parameters"); has && !jsonata {
		v.template(parameters, location+"/Parameters")
	}
	config, ok := v.typed(o, location, "ReaderConfig", "OBJECT")
	if !ok {
		return
	}
	c, at := config.(*jsonvalue.Object), location+"/ReaderConfig"
	_, header := c.Get("CSVHeaderLocation")
	switch text(c, "InputType") {
	case "CSV":
		if !header {
			v.schema(at, "The field 'CSVHeaderLocation' is required")
		}
	case "JSON":
		if header {
			v.schema(at, "Field 'CSVHeaderLocation' is not supported")
		}
	}
	if text(c, "CSVHeaderLocation") == "GIVEN" {
		v.required(c, at, "CSVHeaders")
	}
}
