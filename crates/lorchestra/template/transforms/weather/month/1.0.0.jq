# One month: is it wet, fair or dry?
. + {verdict: (if .rainy_days * 2 > .days then "wet" elif .rainy_days * 4 > .days then "fair" else "dry" end)}
