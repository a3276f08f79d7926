// Bootstrap is the Pulumi program that makes an AWS account ready for Carepath's stacks: see docs/bootstrap.md. Package
// platform/bootstrap is the program itself.
package main

import (
	"github.com/carepath/carepath/platform/bootstrap"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

func main() { pulumi.Run(bootstrap.Deploy) }
