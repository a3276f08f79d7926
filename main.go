// Carepath is the Pulumi program that deploys Carepath: an event-driven healthcare backend on AWS, one stack per
// environment. Package platform is the program itself; the command line is cmd/carepath.
package main

import (
	"github.com/carepath/carepath/platform"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

func main() { pulumi.Run(platform.Deploy) }
