-- Back to the revision before; dreamt shoes are lost.

DROP TABLE dream_spend, dream_step, dream_session;
