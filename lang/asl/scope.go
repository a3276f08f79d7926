package asl

import "github.com/carepath/carepath/lang/jsonvalue"

// scope holds the variables of one workflow. A workflow reads those of the workflows around it and sets only its own
// (https://docs.aws.amazon.com/step-functions/latest/dg/workflow-variables.html).
type scope struct {
	outer     *scope
	variables []jsonvalue.Member
}

func (s *scope) get(name string) (any, bool) {
	for ; s != nil; s = s.outer {
		for i := range s.variables {
			if s.variables[i].Name == name {
				return s.variables[i].Value, true
			}
		}
	}
	return nil, false
}

func (s *scope) set(name string, value any) {
	for i := range s.variables {
		if s.variables[i].Name == name {
			s.variables[i].Value = value
			return
		}
	}
	s.variables = append(s.variables, jsonvalue.Member{Name: name, Value: value})
}
