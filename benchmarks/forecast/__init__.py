"""How far off the forecast of a month is, beside what people do without one."""
