// Package platform is the Pulumi program: it reads a stack's configuration, checks it, and deploys the systems that
// components/ makes into one account and region.
package platform
