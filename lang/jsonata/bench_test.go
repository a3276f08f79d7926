package jsonata_test

import (
	"strings"
	"testing"

	"github.com/carepath/carepath/lang/jsonata"
)

func BenchmarkEval(b *testing.B) {
	small := parse(b, order)
	large := parse(b, `{"items":[`+strings.TrimSuffix(strings.Repeat(`{"sku":"a-1","price":2.5,"quantity":4},`, 1000), ",")+`]}`)
	for _, c := range []struct {
		name, source string
		input        any
	}{
		{"member", `items[0].sku`, small},
		{"object", `{"id": id, "customer": $uppercase(customer), "total": $sum(items.(price * quantity))}`, small},
		{"filter and order of 1000", `items[price > 1]^(>quantity).sku`, large},
		{"map of 1000", `$map(items, function($v, $i) { $v.sku & "/" & $i })`, large},
		{"tail calls", `($f := function($n, $sum) { $n = 0 ? $sum : $f($n - 1, $sum + $n) }; $f(1000, 0))`, small},
		{"date", `$fromMillis(1795435200005, "[D1o] [MNn] [Y] [H01]:[m01]")`, small},
	} {
		e, err := jsonata.Compile(c.source)
		if err != nil {
			b.Fatal(err)
		}
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, _, err := e.Eval(jsonata.Environment{Input: c.input, HasInput: true}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkCompile(b *testing.B) {
	const source = `$map(items[price > 5]^(>price), function($v) {{"sku": $v.sku, "total": $v.price * $v.quantity}}) ~> $sift(function($v) { $v > 1 })`
	b.ReportAllocs()
	for b.Loop() {
		if _, err := jsonata.Compile(source); err != nil {
			b.Fatal(err)
		}
	}
}
