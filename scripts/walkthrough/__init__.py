"""The commands of README, run in a clone against an account that moto plays."""
