"""Answers what nobody else is there for, or hands over to the agent whose job it is."""

from bot import Agent

agent = Agent()  # replying, asking a person and handing over are what every agent can do
