package special

import (
	"math"
	"testing"
)

// Reference values from 400 decimal digits, rounded to the nearest float64.

var scaledE1 = []struct{ x, want float64 }{
	{1e-300, 690.1983122333122},
	{1e-10, 22.44863526738379},
	{0.001, 6.337874070325488},
	{0.1, 2.0146425447084515},
	{0.37, 1.0936787048971142},
	{0.74, 0.7266886746014621},
	{0.75, 0.7205015065870451},
	{0.76, 0.7144308459920063},
	{1.0, 0.5963473623231941},
	{1.25, 0.5110328836740476},
	{1.5, 0.448256669291583},
	{2.0, 0.3613286168882226},
	{3.5, 0.2308193315980103},
	{5.0, 0.1704221762847322},
	{7.75, 0.11555318543065021},
	{10.0, 0.09156333393978808},
	{20.0, 0.04771854549596084},
	{50.0, 0.01961510993011487},
	{99.5, 0.009951215137552543},
	{150.0, 0.00662280326888009},
	{200.0, 0.0049752463231793565},
	{10000.0, 9.999000199940023e-05},
	{10000000.0, 9.9999990000002e-08},
	{1000000000000.0, 9.99999999999e-13},
}

var trigammaMinusInvSlope = []struct{ x, want float64 }{
	{0.001, -1999000002.3976321},
	{0.1, -1901.8614573783436},
	{0.5, -12.82879664423432},
	{1.0, -1.4041138063191885},
	{2.5, -0.0762040516417274},
	{7.25, -0.0028039820217137914},
	{10.0, -0.0010498349708020676},
	{17.0, -0.00020952126150221474},
	{123.4375, -5.338438255098473e-07},
	{10000.0, -1.0000499999998334e-12},
	{1000000.0, -1.0000005e-18},
	{1000000000000000.0, -1.0000000000000005e-45},
}

func TestScaledE1(t *testing.T) {
	for _, r := range scaledE1 {
		near(t, "ScaledE1", r.x, ScaledE1(r.x), r.want, tol/4, 0)
	}
	// d/dx e^x E₁(x) = e^x E₁(x) − 1/x, on both sides of the seam.
	for _, x := range []float64{0.2, 0.7, 0.8, 3, 40} {
		h := 1e-4 * x
		near(t, "slope of ScaledE1", x, (ScaledE1(x+h)-ScaledE1(x-h))/(2*h), ScaledE1(x)-1/x, 1e-7, 0)
	}
	for _, r := range []struct{ x, want float64 }{{0, math.Inf(1)}, {math.Inf(1), 0}, {-1, math.NaN()}, {math.NaN(), math.NaN()}, {1e300, 1e-300}} {
		near(t, "ScaledE1", r.x, ScaledE1(r.x), r.want, 1e-15, 0)
	}
}

func TestTrigammaMinusInvSlope(t *testing.T) {
	for _, r := range trigammaMinusInvSlope {
		near(t, "TrigammaMinusInvSlope", r.x, TrigammaMinusInvSlope(r.x), r.want, tol, 0)
	}
	for _, x := range []float64{0, -1, math.NaN()} {
		near(t, "TrigammaMinusInvSlope", x, TrigammaMinusInvSlope(x), math.NaN(), 0, 0)
	}
}
