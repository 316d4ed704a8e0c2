"""What happens and what should happen next: events, threads, rules, tools and agents. Everything here is a plain value or a pure function."""

from bot.agent import Agent
from bot.tool import Approval, Context, Tool

__all__ = ["Agent", "Approval", "Context", "Tool"]
