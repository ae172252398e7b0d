"""The CloudFormation template in a moto server; see scripts/test-infrastructure."""
