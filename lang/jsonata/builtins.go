package jsonata

// builtin describes a built-in function: its signature and how many arguments it takes of a function such as $map.
type builtin struct {
	signature string
	arity     int
	native    func(c *call, args []any) (any, error)
}

// builtins are the functions of JSONata 2.0.6 (https://docs.jsonata.org/string-functions and its sisters) and those that
// Step Functions adds. There is no $eval.
var builtins map[string]*function

func init() {
	builtins = map[string]*function{}
	for _, table := range []map[string]builtin{stringFunctions, numberFunctions, arrayFunctions, objectFunctions,
		higherOrderFunctions, timeFunctions, stepFunctionsFunctions} {
		for name, b := range table {
			builtins[name] = &function{name: name, arity: b.arity, signature: mustSignature(b.signature), native: b.native}
		}
	}
}

// defined wraps a function that has no result where its first argument has no value.
func defined(f func(c *call, args []any) (any, error)) func(c *call, args []any) (any, error) {
	return func(c *call, args []any) (any, error) {
		if args[0] == undefined {
			return undefined, nil
		}
		return f(c, args)
	}
}

// argument returns the i-th argument, undefined where there is none.
func argument(args []any, i int) any {
	if i < len(args) {
		return args[i]
	}
	return undefined
}

// textArgument returns an optional argument that the signature has seen to be a string.
func textArgument(args []any, i int) (string, bool) {
	s, ok := argument(args, i).(string)
	return s, ok
}

func numberArgument(args []any, i int) (float64, bool) { return number(argument(args, i)) }

func functionArgument(args []any, i int) *function {
	f, _ := argument(args, i).(*function)
	return f
}
